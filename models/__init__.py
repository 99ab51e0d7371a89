"""Trained models: how each was trained and measured. Nothing here is imported by what runs; that reads the ONNX files and cards."""
