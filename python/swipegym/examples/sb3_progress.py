"""Progress of the SB3 examples."""

from __future__ import annotations

from stable_baselines3.common.callbacks import BaseCallback

from .common import Choose, Progress


class Report(BaseCallback):
    """Tells Progress about every step."""

    def __init__(self, progress: Progress, choose: Choose):
        super().__init__()
        self.progress, self.choose = progress, choose

    def _on_step(self) -> bool:
        self.progress(self.num_timesteps, self.choose)
        return True
