"""What a network reads and writes, declared apart from the network.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.variable`     ``Variable`` (source, feature, role, input, head, losses) and ``IOSpec``
:mod:`.heads`        configs of output heads and loss terms
:mod:`.align`        "T model steps from here" as one exact window per variable
===================  =====================================================================
"""
