"""Networks that draw magnitudes, as FreqNet did by default before it drew latent frames."""

from mimikit_nb.features.spectral import MagnitudeConfig
from mimikit_nb.io.heads import MagnitudeMixtureHeadConfig
from mimikit_nb.io.variable import IOSpec, VariableConfig


def magnitude_io(sample_rate: int, n_fft: int = 2048, hop_length: int = 512) -> IOSpec:
    """Log-compressed magnitudes, drawn in classes."""
    feature = MagnitudeConfig(n_fft=n_fft, hop_length=hop_length, scale="log1p")
    variable = VariableConfig(feature=feature, head=MagnitudeMixtureHeadConfig())
    return IOSpec(sample_rate=sample_rate, variables={"signal": variable})
