"""What a change of the project does to each stack: a revision is brought up on simulated clouds, the next previewed."""
