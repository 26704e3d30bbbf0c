"""Sound files of all formats, written by soundfile or PyAV."""

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile as sf

Writer = Callable[[Path, np.ndarray, int], None]


def by_soundfile(
    path: Path, y: np.ndarray, rate: int, kind: str, subtype: str, times: int = 1, **more: Any
) -> None:
    """Write [shape=(C, n)] some times over, in blocks: libsndfile's Vorbis fails with long ones."""
    with sf.SoundFile(path, "w", rate, len(y), subtype, format=kind, **more) as file:
        for start in times * list(range(0, y.shape[1], 2**14)):
            file.write(y[:, start : start + 2**14].T)


def by_ffmpeg(
    path: Path,
    y: np.ndarray,
    rate: int,
    codec: str,
    video: str = "",
    times: int = 1,
    **options: Any,
) -> None:
    """Write [shape=(C, n)] some times over, with a picture if ``video`` names an encoder."""
    layout = {1: "mono", 2: "stereo"}[len(y)]
    container = options.pop("container", None)
    bit_rate, sample_format = options.pop("bit_rate", None), options.pop("sample_format", None)
    with av.open(str(path), "w", format=container, options=options.pop("muxer", {})) as file:
        picture = file.add_stream(video, rate=10) if video else None
        stream: Any = file.add_stream(codec, rate=rate, options=options, layout=layout)
        if bit_rate:
            stream.bit_rate = bit_rate
        stream.format = sample_format or stream.codec_context.codec.audio_formats[0].name
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
            for _ in range(10 * y.shape[1] // rate):
                file.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
            file.mux(picture.encode(None))
        convert = av.AudioResampler(stream.format.name, layout, rate)
        for frame in itertools.chain(_frames(y, rate, layout, times), [None]):
            for converted in convert.resample(frame):
                file.mux(stream.encode(converted))
        file.mux(stream.encode(None))


def _frames(y: np.ndarray, rate: int, layout: str, times: int) -> Iterator[Any]:
    n_before = 0
    for start in times * list(range(0, y.shape[1], 4096)):
        block = np.ascontiguousarray(y[:, start : start + 4096], np.float32)
        frame = av.AudioFrame.from_ndarray(block, "fltp", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, n_before, Fraction(1, rate)
        n_before += block.shape[1]
        yield frame


def _sndfile(kind: str, subtype: str, **more: Any) -> Writer:
    return lambda path, y, rate: by_soundfile(path, y, rate, kind, subtype, **more)


def _ffmpeg(codec: str, video: str = "", **options: Any) -> Writer:
    return lambda path, y, rate: by_ffmpeg(path, y, rate, codec, video, **options)


def _webm_vorbis(path: Path, y: np.ndarray, rate: int) -> None:
    """What libsndfile encodes, in another container: FFmpeg's own encoder is an experiment."""
    by_soundfile(path.with_suffix(".ogg"), y, rate, "OGG", "VORBIS")
    with av.open(str(path.with_suffix(".ogg"))) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)


def _windows_media(path: Path, y: np.ndarray, rate: int) -> None:
    """With a frame of silence in front, which decoders leave out."""
    by_ffmpeg(path, np.pad(y, ((0, 0), (2048, 0))), rate, "wmav2", bit_rate=192_000)


def without_count(path: Path) -> None:
    """Take the first frame away from an MP3 of MPEG-1, the one that counts the others."""
    data = path.read_bytes()
    kbps = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[data[2] >> 4]
    rate = (44100, 48000, 32000)[data[2] >> 2 & 3]
    path.write_bytes(data[144_000 * kbps // rate + (data[2] >> 1 & 1) :])


WRITERS: dict[str, Writer] = {
    "WAV, 8 bits": _sndfile("WAV", "PCM_U8"),
    "WAV, 16 bits": _sndfile("WAV", "PCM_16"),
    "WAV, 24 bits": _sndfile("WAV", "PCM_24"),
    "WAV, 32 bits": _sndfile("WAV", "PCM_32"),
    "WAV, 32 bits float": _sndfile("WAV", "FLOAT"),
    "WAV, 64 bits float": _sndfile("WAV", "DOUBLE"),
    "WAV, A-law": _sndfile("WAV", "ALAW"),
    "WAV, µ-law": _sndfile("WAV", "ULAW"),
    "WAV of several channels (WAVEX)": _sndfile("WAVEX", "PCM_24"),
    "RF64": _sndfile("RF64", "PCM_24"),
    "Wave64": _sndfile("W64", "PCM_24"),
    "AIFF": _sndfile("AIFF", "PCM_24"),
    "AIFF-C, 32 bits float": _sndfile("AIFF", "FLOAT"),
    "AU": _sndfile("AU", "PCM_24"),
    "CAF": _sndfile("CAF", "PCM_24"),
    "CAF, ALAC": _sndfile("CAF", "ALAC_24"),
    "FLAC, 16 bits": _sndfile("FLAC", "PCM_16"),
    "FLAC, 24 bits": _sndfile("FLAC", "PCM_24"),
    "Ogg Vorbis": _sndfile("OGG", "VORBIS"),
    "Ogg Opus": _sndfile("OGG", "OPUS"),
    "MP3, constant bit rate": _sndfile("MP3", "MPEG_LAYER_III", bitrate_mode="CONSTANT"),
    "MP3, variable bit rate": _sndfile("MP3", "MPEG_LAYER_III", bitrate_mode="VARIABLE"),
    "Ogg FLAC": _ffmpeg("flac", container="ogg", sample_format="s16"),
    "M4A, AAC": _ffmpeg("aac", bit_rate=192_000),
    "M4A, ALAC": _ffmpeg("alac", sample_format="s16p"),
    "WebM, Opus": _ffmpeg("libopus", bit_rate=128_000),
    "WebM, Vorbis": _webm_vorbis,
    "Matroska, FLAC": _ffmpeg("flac", sample_format="s16"),
    "Windows Media": _windows_media,
    "WavPack": _ffmpeg("wavpack", sample_format="s16p"),
    "True Audio": _ffmpeg("tta", sample_format="s16"),
    "sound of an MP4 video, AAC": _ffmpeg("aac", "mpeg4", bit_rate=192_000),
    "sound of a QuickTime video, 16 bits": _ffmpeg("pcm_s16le", "mpeg4"),
    "sound of a WebM video, Opus": _ffmpeg("libopus", "libvpx", bit_rate=128_000),
    "sound of a Matroska video, FLAC": _ffmpeg("flac", "mpeg4", sample_format="s16"),
    "WAV, G.726": _ffmpeg("g726"),
}
"How the formats of the README's table are written."
