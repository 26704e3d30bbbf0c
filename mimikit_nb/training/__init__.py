"""Training: a short loop, exact to resume.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.start`        ``train``, ``resume``
:mod:`.config`       ``TrainConfig``
:mod:`.batches`      ``BatchPlan``: the order of the data as a function of the step
:mod:`.session`      what a step does: read, learn, update, measure, save, restore
:mod:`.loop`         when it is done: the loop
:mod:`.state`        what a checkpoint has to hold
:mod:`.optimizer`    AdamW, warm-up and decay
:mod:`.callbacks`    ``Callback``, ``Control``, ``Status``: watch and steer
:mod:`.metrics`      ``metrics.csv``
:mod:`.interrupts`   signals and the STOP file
:mod:`.timing`       where the time goes
===================  =====================================================================
"""

from .callbacks import Callback, Control, Status
from .config import TrainConfig
from .start import resume, train

__all__ = ["Callback", "Control", "Status", "TrainConfig", "resume", "train"]
