"""Runs a program on a terminal of its own, and prints what it says there.

terminal.py ANSWERS PROGRAM ARGUMENT...: of ANSWERS, a JSON list, each is typed once the program asks, which is when what it
says ends in a colon and a space. "\\u0003" is Ctrl-C, "\\u0004" Ctrl-D. It ends as the program does: with 128 and the
number of the signal, if one killed it.
"""

import json
import os
import pty
import signal
import sys
import termios

answers = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    # As from a shell: a program that runs in the background of a script is told to ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    modes = termios.tcgetattr(0)
    # What is typed does not come back, and line ends stay as they are.
    modes[3] &= ~termios.ECHO
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(0, termios.TCSANOW, modes)
    os.execv(sys.argv[2], sys.argv[2:])

said = b""
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:
        # Linux says so when the other side is closed.
        break
    if not more:
        break
    said += more
    if said.endswith(b": "):
        answer = answers.pop(0)
        is_control = len(answer) == 1 and answer < " "
        os.write(terminal, answer.encode() if is_control else f"{answer}\n".encode())
        said += b"\n"
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.stdout.buffer.write(said)
sys.exit(status if status >= 0 else 128 - status)
