"""Act out a script: the state of every moving part in every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videmo.drawn import action_units
from videmo.drawn.action_units import INDEX, INTENSITIES, MICRO_PROTOTYPES, UNITS
from videmo.drawn.script import Script

Array = NDArray[np.float64]

FRAMES = 16
FPS = 8

# Angles as drawn: smaller than the nominal ones, so that both eyes stay visible at 60 degrees.
YAWS = {"left 30": -20.0, "left 60": -40.0, "right 30": 20.0, "right 60": 40.0}
PITCHES = {"up": 26.0, "down": -26.0}


@dataclass(frozen=True)
class Acting:
    """The moving parts, frame by frame (T frames). Left and right are the image's; index 0 is left."""

    amplitudes: Array  # (T, 17, 2) action units, in the order of action_units.UNITS
    closure: Array  # (T, 2) of the eyes by blinks and winks, from 0 (open) to 1 (shut)
    gaze: Array  # (T, 2) right and down, -1 to 1
    head: Array  # (T, 3) yaw (to the image's right), pitch (up), roll (clockwise), degrees
    jaw_shift: Array  # (T,) sideways, head units
    shoulders: Array  # (T,) lift, head units
    body: Array  # (T, 2) shift to the right in head units, roll in degrees
    hand: Array  # (T,) angle of the waving hand in degrees; NaN where there is no hand


def act(rng: np.random.Generator, script: Script, turn: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Acting:
    """Act out a script over FRAMES frames; `turn` is added to yaw, pitch and roll."""
    time = (np.arange(FRAMES) + 0.5) / FRAMES
    amplitudes = _expression(rng, script, time)
    closure = np.zeros((FRAMES, 2))
    jaw_shift = np.zeros(FRAMES)
    _move_face(rng, script, time, amplitudes, closure, jaw_shift)
    head = _move_head(rng, script, time) + np.array(turn)
    shoulders, body, hand = _move_body(rng, script, time)
    return Acting(amplitudes, closure, _look(rng, script, time), head, jaw_shift, shoulders, body, hand)


def course(name: str, time: Array, start: float = 0.4) -> Array:
    """Share of the apex at each time (0 to 1 over the clip): onset, apex, offset. A brief course begins at `start`."""
    if name == "growing":
        return _ramp(time, 0.08, 0.68)
    if name == "fading":
        return 1 - _ramp(time, 0.32, 0.92)
    if name == "brief":
        return np.minimum(_ramp(time, start - 0.03, start + 0.03), 1 - _ramp(time, start + 0.25, start + 0.31))
    return _ramp(time, -0.06, 0.08)


def _ramp(time: Array, start: float, end: float) -> Array:
    share = np.clip((time - start) / (end - start), 0, 1)
    return share * share * (3 - 2 * share)


def _expression(rng: np.random.Generator, script: Script, time: Array) -> Array:
    """(T, 17, 2) amplitudes of the script's emotion, or of its micro-expression."""
    envelope = course(script.course, time, start=rng.uniform(0.2, 0.5))
    if script.micro_expression is not None:
        apex = np.zeros((len(UNITS), 2))
        for unit, amplitude in MICRO_PROTOTYPES[script.micro_expression].items():
            apex[INDEX[unit]] = amplitude
        apex *= rng.uniform(0.8, 0.95)
    else:
        apex = action_units.prototype(script.emotion, script.side)
        if script.second_emotion is not None:
            second = 0.65 * action_units.prototype(script.second_emotion, script.side)
            apex = action_units.blend(apex, second)
        apex *= INTENSITIES[script.intensity] * rng.uniform(0.93, 1.0)
    tremor = 1 + 0.04 * np.sin(2 * np.pi * (time * rng.uniform(0.5, 1.5) + rng.random()))
    return np.clip(apex * (envelope * tremor)[:, None, None], 0, 1)


def _move_face(
    rng: np.random.Generator,
    script: Script,
    time: Array,
    amplitudes: Array,
    closure: Array,
    jaw_shift: Array,
) -> None:
    """Add the face action to the expression, in place. Rates stay below half of the 4 Hz at which clips are sampled."""
    parted, dropped = amplitudes[:, INDEX[25]], amplitudes[:, INDEX[26]]
    pressing = amplitudes[:, [INDEX[17], INDEX[23], INDEX[24]]]
    if script.face_action == "talking":
        opening = np.clip(0.4 + 0.8 * np.sin(2 * np.pi * (rng.uniform(2.4, 3.2) * time + rng.random())), 0, 1)
        parted[:] = np.maximum(parted * (0.4 + 0.6 * opening[:, None]), 0.9 * opening[:, None])
        dropped[:] = np.maximum(dropped * (0.4 + 0.6 * opening[:, None]), 0.55 * opening[:, None])
        pressing *= (1 - opening)[:, None, None]
        amplitudes[:, [INDEX[17], INDEX[23], INDEX[24]]] = pressing
    elif script.face_action == "chewing":
        jaw_shift += 0.21 * np.sin(2 * np.pi * (rng.uniform(2.4, 3.0) * time + rng.random()))
    elif script.face_action == "yawning":
        start, length = (0.58, 0.42) if script.emotion != "neutral" else (rng.uniform(0.1, 0.4), 0.5)
        yawn = np.minimum(_ramp(time, start, start + 0.12), 1 - _ramp(time, start + length, start + length + 0.1))
        amplitudes *= (1 - yawn)[:, None, None]
        amplitudes[:, [INDEX[25], INDEX[26]]] = np.maximum(amplitudes[:, [INDEX[25], INDEX[26]]], yawn[:, None, None])
        closure[:] = np.maximum(closure, yawn[:, None])
    elif script.face_action == "blinking":
        for start in np.array([0.06, 0.37, 0.68]) + rng.uniform(0, 0.08):
            closure[:] = np.maximum(closure, ((time >= start) & (time < start + 0.18))[:, None])
    elif script.face_action == "winking":
        start = rng.uniform(0.3, 0.45)
        closure[:, script.side] = (time >= start) & (time < start + 0.34)
    if script.eyes_closed:
        closure[:] = np.maximum(closure, ((time >= 0.3) & (time < 0.75))[:, None])


def _look(rng: np.random.Generator, script: Script, time: Array) -> Array:
    gaze = np.zeros((len(time), 2))
    if script.gaze == "wandering":
        gaze[:, 0] = np.sign(np.sin(2 * np.pi * (rng.uniform(1.6, 2.2) * time + rng.random())))
        gaze[:, 1] = 0.3 * np.sin(2 * np.pi * (time + rng.random()))
    elif script.gaze == "down":
        gaze[:, 1] = 0.9
    return gaze


def _move_head(rng: np.random.Generator, script: Script, time: Array) -> Array:
    head = np.zeros((len(time), 3)) + rng.uniform(-2.5, 2.5, 3)
    head[:, 0] += YAWS.get(script.head_pose, 0.0)
    head[:, 1] += PITCHES.get(script.head_pose, 0.0)
    direction, phase = rng.choice((-1, 1)), rng.random()
    cycles = np.sin(2 * np.pi * (rng.uniform(2.2, 3.0) * time + phase))
    if script.head_action == "nodding":
        head[:, 1] += 15 * cycles
    elif script.head_action == "shaking":
        head[:, 0] += 17 * cycles
    elif script.head_action == "tilting":
        head[:, 2] += direction * 24 * _ramp(time, 0.1, 0.45)
    elif script.head_action == "turning":
        head[:, 0] += direction * (42 - 84 * _ramp(time, 0.15, 0.85)) - YAWS.get(script.head_pose, 0.0)
    return head


def _move_body(rng: np.random.Generator, script: Script, time: Array) -> tuple[Array, Array, Array]:
    """Shoulders (T,), body (T, 2) and hand (T,)."""
    count = len(time)
    shoulders, body, hand = np.zeros(count), np.zeros((count, 2)), np.full(count, np.nan)
    direction, phase = rng.choice((-1, 1)), rng.random()
    if script.body_action == "shrugging":
        shoulders = 0.48 * np.clip(1.3 * np.sin(2 * np.pi * (1.0 * time + 0.5 * np.round(phase))), 0, 1)
    elif script.body_action == "leaning":
        lean = direction * _ramp(time, 0.05, 0.4)
        body = np.stack([0.22 * lean, 9 * lean], axis=1)
    elif script.body_action == "swaying":
        sway = np.sin(2 * np.pi * (rng.uniform(1.3, 1.7) * time + phase))
        body = np.stack([0.26 * sway, 2 * sway], axis=1)
    elif script.body_action == "waving":
        hand = 24 * np.sin(2 * np.pi * (rng.uniform(2.2, 3.0) * time + phase))
    return shoulders, body, hand
