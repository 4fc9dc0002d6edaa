import os

# ONNX Runtime from 1.29 on tells its makers of each network that it loads, unless this is set
# before it is imported: https://github.com/microsoft/onnxruntime/pull/27379
os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')
