"""A client for servers that speak OpenAI's chat completions: vLLM, llama.cpp, Ollama, hosted ones.

pool.py        takes what is to be asked while there is room, gives answers as they come
servers.py     which server is asked next: weights, limits that adapt, pauses, the circuit breaker
pacing.py      how fast and how often: concurrency, rates, backoff, Retry-After
question.py    one question to one server
connection.py  the connection under it: to the address that was settled, and to no other
answers.py     from a reply's bytes to a completion
faults.py      what went wrong, and what that means
"""

from ccf_pipeline.experts.chat.expert import ChatExpert, OpenAIExpert
from ccf_pipeline.experts.chat.pacing import Patience
from ccf_pipeline.experts.chat.question import Question

__all__ = ["ChatExpert", "OpenAIExpert", "Patience", "Question"]
