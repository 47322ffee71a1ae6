"""optax transformations that are read: each computes something in a way of its own, or hides a part of it."""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax


class ClippedState(NamedTuple):
    count: jax.Array
    trace: optax.Updates


def signed_average(learning_rate=1e-2, b1=0.9):
    """Signed steps of a buffer that starts to be used at step 3, with a factor under ``jit`` and ``lax.cond``."""

    @jax.jit
    def moved(buffer, gradient):
        return b1 * buffer + (1 - b1) * gradient

    def init(params):
        return ClippedState(jnp.zeros([], jnp.int32), jax.tree.map(jnp.zeros_like, params))

    def update(updates, state, params=None):
        trace = jax.tree.map(moved, state.trace, updates)
        late = state.count >= 2
        used = jax.tree.map(lambda g, b: jax.lax.cond(late, lambda: jnp.sign(b), lambda: g), updates, trace)
        steps = jax.tree.map(lambda u: -learning_rate * jax.lax.clamp(-0.5, u, 0.5), used)
        return steps, ClippedState(optax.safe_increment(state.count), trace)

    return optax.GradientTransformation(init, update)


def compares(learning_rate=1e-2, weight_decay=0.25):
    """Compare a number with another while it is built, so that it cannot be traced."""
    decay = optax.add_decayed_weights(weight_decay) if weight_decay > 0.03 else optax.identity()
    return optax.chain(decay, optax.scale_by_learning_rate(learning_rate))


def clipped(learning_rate=1e-2):
    """Divide by the norm of a tensor, which is no function of one element."""

    def update(updates, state, params=None):
        return jax.tree.map(lambda g: -learning_rate * g / jnp.sqrt(jnp.sum(g * g)), updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def rounds(learning_rate=1e-2):
    """Compute in float16 whatever the parameters are."""

    def update(updates, state, params=None):
        return jax.tree.map(lambda g: -learning_rate * g.astype(jnp.float16), updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def changes_after_some_calls(learning_rate=1e-2):
    """Double the rate after 30 calls, which it counts outside of its state."""
    calls = itertools.count(1)

    def update(updates, state, params=None):
        rate = learning_rate * (2 if next(calls) > 30 else 1)
        return jax.tree.map(lambda g: -rate * g, updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
