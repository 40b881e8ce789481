import { Provider } from "@pulumi/kubernetes";
import * as llm from "@pulumi/llm-serving";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();

const gpus = new llm.GkeGpuCluster("gpus", {
    location: "us-central1-a",
    cpuPool: { machineType: "e2-standard-4", minNodes: 1, maxNodes: 3 },
    gpuPools: { l4: { machineType: "g2-standard-12", minNodes: 0, maxNodes: 2 } },
});

const kubernetes = new Provider("kubernetes", { kubeconfig: gpus.kubeconfig });

const mistral = new llm.InferenceService(
    "mistral",
    {
        server: llm.Server.VLLM,
        model: "mistralai/Mistral-7B-Instruct-v0.3",
        accelerator: "nvidia-l4",
        accelerators: 1,
        poolAccelerators: 2,
        resources: { cpu: "8", memory: "32Gi", ephemeralStorage: "10Gi" },
        storage: { kind: llm.StorageKind.EPHEMERAL_VOLUME, size: "40Gi" },
        token: config.requireSecret("huggingFaceToken"),
    },
    { provider: kubernetes },
);

export const access = mistral.access;
export const tryIt = mistral.tryIt;
export const kubeconfig = gpus.kubeconfig;
