"""Dictionaries, JSON and regular expressions over made-up words. Argument: how many words."""
import json
import re
import sys

words = [f"word{i * 7919 % 100003}" for i in range(int(sys.argv[1]))]
total = 0
for turn in range(4):
    index = {}
    for i, word in enumerate(words):
        index.setdefault(word[:6], []).append({"at": i, "text": word * 2, "turn": [turn, i]})
    text = json.dumps(index)
    total += len(json.loads(text)) + len(re.findall(r"word1[0-9]+", text)) + len(text)
print(total)
