"""What a network reads and writes, declared apart from the network.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.variable`     ``VariableConfig`` (source, feature, role, input, head, losses), ``IOSpec``
:mod:`.heads`        configs of output heads and loss terms
:mod:`.align`        "T model steps from here" as one exact window per variable
:mod:`.gather`       windows of the mapped signal, in one buffer
:mod:`.learning`     learned features fitted to a corpus, and their values all over it
:mod:`.digest`       the digest of tensors
:mod:`.read`         batches from a corpus, prompts from an array
===================  =====================================================================
"""
