"""The k-step return and the advantage of the slide.

    R_t = r_t + γ r_{t+1} + … + γ^{k-1} r_{t+k-1} + γ^k V(s_{t+k})          A_t = R_t - V(s_t)

k reaches to the end of the unroll, so it is longest for the first step; from behind each return is
one step:  R_t = r_t + γ R_{t+1}.

An episode ends because time is up, not because its last state is worth nothing. So there, as at the
end of the unroll, the rest is V of the state that was reached, and no reward comes across from the
next episode. (Algorithm S3 of Mnih et al. sets R = 0, for games that end for a reason.)
"""

import numpy as np


def k_step_returns(
    rewards: np.ndarray,
    ended: np.ndarray,
    final_values: np.ndarray,
    bootstrap: np.ndarray,
    gamma: float,
) -> np.ndarray:
    """Return R (T, N).

    Parameters
    ----------
    rewards : (T, N)
    ended : (T, N) bool
        Whether step t was the last of its episode.
    final_values : (T, N)
        Where one ended, V of what was seen at its end.
    bootstrap : (N,)
        V of what is seen after the last step.
    gamma : float
        By which a reward is worth less one step later.
    """
    returns = np.empty_like(rewards)
    following = bootstrap
    for t in reversed(range(len(rewards))):
        following = rewards[t] + gamma * np.where(ended[t], final_values[t], following)
        returns[t] = following
    return returns


def clipped(rewards: np.ndarray, scale: float) -> np.ndarray:
    """Rewards as the learner sees them: times `scale`, clipped to ±1; float32."""
    return np.clip(rewards * scale, -1, 1).astype(np.float32)
