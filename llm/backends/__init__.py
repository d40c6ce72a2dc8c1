"""What runs a model: one module a runtime, each behind `jurat.llm.protocol.Backend`, each importing its own when it is used.

embedded      a GGUF file inside this process, by llama.cpp
vllm_engine   a model folder inside this process, by vLLM
server        a model behind HTTP: vLLM's server, or any other that speaks OpenAI's API
cassette      recorded answers of one of these
opening       from what a user chose to one of these
"""
