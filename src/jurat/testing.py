"""What a user's own tests need: a judge and a voice that do as they are told, without a model.

The doubles are shipped because they are the way to test a policy: what is true of the conversation and what the model
says are the test's choice, and a voice can disobey on purpose. They need no extra.
"""

from jurat.llm.scripted import ScriptedJudge, ScriptedVoice

__all__ = ["ScriptedJudge", "ScriptedVoice"]
