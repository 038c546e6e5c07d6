"""Names that the manifests of infra/kubernetes give, and that steps and jobs refer to."""

IMAGE = "videmo:0.1.0"  # the container image of every step, outside digests: a laptop has none
IMAGE_VARIABLE = "VIDEMO_IMAGE"  # tells a step in a container which image it runs in
VOLUME = "videmo-home"
MOUNTED_AT = "/videmo"
ACCELERATOR = "nvidia.com/gpu"
QUEUE = "videmo-gpu"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
CONFIG_MAP = "videmo"
ENDPOINT_SECRET = "videmo-endpoint"  # need not be there: only runs that ask a large model have a use for it
ENDPOINT_KEY = "VIDEMO_ENDPOINT_KEY"
