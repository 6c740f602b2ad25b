"""DQN updates a second beside Stable-Baselines3's and PFRL's, in one run on the same number of threads.

All train a network with one output an action: observations of 64 floats, two hidden layers of 256, batch 256, plain DQN
with Huber loss and Adam, gradients clipped at norm 10 by Stable-Baselines3 and ours. An update draws its batch from a
buffer of 50,000 transitions and learns from it; nothing else is timed. Greedy acting is one observation a call for the
peers, as their users do, and 1,024 at once for ours. Runs alternate, so that a machine that slows down slows all. On
one thread processor time is counted, which other programs on the machine hardly change; on two, time on the clock.

    pip install stable-baselines3 torch numpy && pip install --no-deps pfrl gym gym-notices cloudpickle filelock pillow
    cmake --preset release -DSWIPEGYM_BENCH=ON && cmake --build --preset release --target dqn_bench
    python bench/peers/dqn_sb3_pfrl.py --bench build/release/bench/dqn_bench --actions 10
    python bench/peers/dqn_sb3_pfrl.py --bench build/release/bench/dqn_bench --actions 1000
"""

import argparse
import json
import logging
import statistics
import subprocess
import time
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import gymnasium
import numpy as np
import torch

INPUTS, BATCH, HIDDEN = 64, 256, [256, 256]


class FloatEnv(gymnasium.Env):
    """Observations without meaning, an end every 100 steps."""

    def __init__(self, actions):
        self.observation_space = gymnasium.spaces.Box(-1, 1, (INPUTS,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(actions)
        self.rows = np.random.default_rng(0).uniform(-1, 1, (512, INPUTS)).astype(np.float32)
        self.steps = 0

    def reset(self, seed=None, options=None):
        self.steps = 0
        return self.rows[0], {}

    def step(self, action):
        self.steps += 1
        return self.rows[self.steps % 512], float(action % 2), self.steps % 100 == 0, False, {}


class StableBaselines:
    name = "SB3"

    def __init__(self, actions):
        from stable_baselines3 import DQN

        self.agent = DQN(
            "MlpPolicy",
            FloatEnv(actions),
            buffer_size=50_000,
            learning_starts=1000,
            batch_size=BATCH,
            target_update_interval=1000,
            policy_kwargs={"net_arch": HIDDEN},
            device="cpu",
            seed=0,
        )
        self.agent.learn(1500)
        self.observation = self.agent.env.reset()

    def update(self, count):
        self.agent.train(count, BATCH)

    def act(self):
        self.agent.predict(self.observation, deterministic=True)


class Pfrl:
    name = "PFRL"

    def __init__(self, actions):
        import pfrl

        layers, inputs = [], INPUTS
        for units in HIDDEN:
            layers += [torch.nn.Linear(inputs, units), torch.nn.ReLU()]
            inputs = units
        head = pfrl.q_functions.DiscreteActionValueHead()
        q = torch.nn.Sequential(*layers, torch.nn.Linear(inputs, actions), head)
        random = np.random.default_rng(0)
        self.rows = random.uniform(-1, 1, (2048, INPUTS)).astype(np.float32)
        self.buffer = pfrl.replay_buffers.ReplayBuffer(50_000)
        self.agent = pfrl.agents.DQN(
            q,
            torch.optim.Adam(q.parameters(), lr=1e-4),
            self.buffer,
            0.99,
            pfrl.explorers.ConstantEpsilonGreedy(0.1, lambda: int(random.integers(actions))),
            replay_start_size=1000,
            update_interval=10**9,
            target_update_interval=10**9,
            minibatch_size=BATCH,
            phi=lambda x: x,
        )
        for i in range(2000):
            self.buffer.append(
                state=self.rows[i],
                action=int(random.integers(actions)),
                reward=float(i % 2),
                next_state=self.rows[i + 1],
                next_action=None,
                is_state_terminal=i % 100 == 99,
            )

    def update(self, count):
        for _ in range(count):
            self.agent.update(self.buffer.sample(BATCH))

    def act(self):
        with self.agent.eval_mode():
            self.agent.act(self.rows[0])


def rate(call, at_once, clock, seconds):
    """Calls a second; `call` is given how many to make."""
    done, start = 0, clock()
    while (elapsed := clock() - start) < seconds:
        call(at_once)
        done += at_once
    return done / elapsed


def acting_rate(peer, clock, seconds):
    def several(count):
        for _ in range(count):
            peer.act()

    return rate(several, 20, clock, seconds)


def our_rate(bench, suite, threads, seconds):
    name = suite if threads == 1 else f"{suite}/real_time"
    command = [bench, f"--benchmark_filter=^{name}$", f"--benchmark_min_time={seconds}", "--benchmark_format=json"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["benchmarks"][0]
    return result["items_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True, help="the program dqn_bench")
    parser.add_argument("--actions", type=int, default=10, choices=(10, 1000))
    parser.add_argument("--threads", type=int, default=2, choices=(1, 2))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each run")
    options = parser.parse_args()
    threads = options.threads
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter

    peers = [StableBaselines(options.actions), Pfrl(options.actions)]
    for peer in peers:
        peer.update(20)
    names = [peer.name for peer in peers] + ["swipegym"]
    updates, acts = {name: [] for name in names}, {name: [] for name in names}
    for _ in range(options.runs):
        for peer in peers:
            updates[peer.name].append(rate(peer.update, 20, clock, options.seconds))
            acts[peer.name].append(acting_rate(peer, clock, options.seconds))
        updates["swipegym"].append(our_rate(options.bench, f"full_output/{options.actions}/{threads}/0", threads, options.seconds))
        acts["swipegym"].append(our_rate(options.bench, f"act/{options.actions}/{threads}", threads, options.seconds))

    print(f"{options.actions} actions, {threads} threads, {options.runs} runs: min / median a second")
    for name in names:
        print(
            f"{name:9} updates {min(updates[name]):8.1f} / {statistics.median(updates[name]):8.1f}"
            f"   greedy decisions {min(acts[name]):11.0f} / {statistics.median(acts[name]):11.0f}"
        )
    ours = statistics.median(updates["swipegym"]), statistics.median(acts["swipegym"])
    for name in names[:-1]:
        ratios = ours[0] / statistics.median(updates[name]), ours[1] / statistics.median(acts[name])
        print(f"over {name}: updates {ratios[0]:.2f}, greedy decisions {ratios[1]:.1f}")


if __name__ == "__main__":
    main()
