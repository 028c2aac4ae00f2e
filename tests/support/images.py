"""The names of the two images, as the manifest has them before any publish."""

API_IMAGE, LOADTESTER_IMAGE = "taller6-fastapi-ml-api", "model-loadtester"
