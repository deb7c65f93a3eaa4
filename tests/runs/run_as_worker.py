"""`train.py` in a process that sends itself SIGTERM in one of its steps.

    python run_as_worker.py STEP OPTIONS

STEP 0 sends none.
"""

from __future__ import annotations

import os
import signal
import sys

from anime_gan.commands import train
from anime_gan.common.quiet import import_tensorflow


def main() -> int:
    """Trains; returns the exit status."""
    number = int(sys.argv[1])
    if number:
        # Not at the top: TensorFlow prints messages unless it is imported like this.
        import_tensorflow()
        from anime_gan.training.trainer import Trainer

        whole = Trainer.train_step

        def signaled(self, *arguments):
            values = whole(self, *arguments)
            if int(self.step) == number:
                os.kill(os.getpid(), signal.SIGTERM)
            return values

        Trainer.train_step = signaled
    return train.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
