"""The ray-cast maze: simulator, ray caster, Gymnasium face. Its floor is laid; nothing stands on it yet."""
