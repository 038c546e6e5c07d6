"""Names that the manifests of infra/kubernetes give, and that steps and jobs refer to."""

VOLUME = "videmo-home"
MOUNTED_AT = "/videmo"
ACCELERATOR = "nvidia.com/gpu"
QUEUE = "videmo-gpu"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
CONFIG_MAP = "videmo"
