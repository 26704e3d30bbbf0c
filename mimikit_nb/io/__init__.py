"""What a network reads and writes, declared apart from the network.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.variable`     ``VariableConfig`` (source, feature, role, input, head, losses), ``IOSpec``
:mod:`.heads`        configs of output heads and loss terms
:mod:`.align`        "T model steps from here" as one exact window per variable
:mod:`.gather`       windows of the mapped signal, in one buffer
:mod:`.read`         batches from a corpus, prompts from an array
===================  =====================================================================
"""
