"""An application on the cluster of the current kubeconfig that asks the model of another stack."""

import pulumi
import pulumi_kubernetes as kubernetes

serving = pulumi.StackReference(pulumi.Config().require("serving"))
cluster = kubernetes.Provider("cluster")
settings = kubernetes.core.v1.ConfigMap(
    "application",
    data={"MODEL": serving.require_output("model"), "ENDPOINT": serving.require_output("endpoint")},
    opts=pulumi.ResourceOptions(provider=cluster),
)
labels = {"app": "application"}
application = kubernetes.apps.v1.Deployment(
    "application",
    spec=kubernetes.apps.v1.DeploymentSpecArgs(
        replicas=1,
        selector=kubernetes.meta.v1.LabelSelectorArgs(match_labels=labels),
        template=kubernetes.core.v1.PodTemplateSpecArgs(
            metadata=kubernetes.meta.v1.ObjectMetaArgs(labels=labels),
            spec=kubernetes.core.v1.PodSpecArgs(
                containers=[
                    kubernetes.core.v1.ContainerArgs(
                        name="application",
                        # asks once a minute; an application of yours takes its place
                        image="docker.io/curlimages/curl:8.10.1",
                        command=["sh", "-c", 'while true; do curl -sS -d "$REQUEST" "$ENDPOINT"; sleep 60; done'],
                        env=[kubernetes.core.v1.EnvVarArgs(name="REQUEST", value='{"inputs": "What is new?"}')],
                        env_from=[
                            kubernetes.core.v1.EnvFromSourceArgs(
                                config_map_ref=kubernetes.core.v1.ConfigMapEnvSourceArgs(name=settings.metadata.name)
                            )
                        ],
                    )
                ]
            ),
        ),
    ),
    opts=pulumi.ResourceOptions(provider=cluster),
)
pulumi.export("endpoint", serving.require_output("endpoint"))
pulumi.export("deployment", application.metadata.name)
