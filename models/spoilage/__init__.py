"""Which pieces on a photo are bad, where and how much: training, calibration and measurement of ``spoilage.onnx``."""
