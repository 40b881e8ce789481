// Modules whose files a control plane brings, not their code. Apart from the programs' pins, which theirs would change.
module llm-serving/engine/control-plane/crds

go 1.26.0

require (
	github.com/GoogleCloudPlatform/prometheus-engine v0.13.0
	github.com/googlecloudplatform/compute-class-api v0.0.0-20251208134148-ae2e7936c1f8
)
