"""Names that the manifests of infra/kubernetes give, and that steps and jobs refer to."""

VOLUME = "videmo-home"
MOUNTED_AT = "/videmo"
ACCELERATOR = "nvidia.com/gpu"
QUEUE = "videmo-gpu"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
CONFIG_MAP = "videmo"
ENDPOINT_SECRET = "videmo-endpoint"  # need not be there: only runs that ask a large model have a use for it
ENDPOINT_KEY = "VIDEMO_ENDPOINT_KEY"
