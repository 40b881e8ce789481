"""LoRA fine-tune of chat models for summarization: trains the candidates, scores them, publishes the best."""
