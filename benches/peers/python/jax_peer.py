"""JAX and optax: one jitted step, whose parameters and state are donated. The driver sets the threads, by affinity."""

import sys

from work import BETAS, DECAY, EPS, LR, Work, mean_square, serve

import jax
import jax.numpy as jnp
import optax


def optimizer(work):
    if work.kind == "adam":
        return optax.chain(optax.add_decayed_weights(DECAY), optax.adam(LR, *BETAS, eps=EPS))
    return optax.adamw(LR, *BETAS, eps=EPS, weight_decay=DECAY)


def mlp(work):
    """Weights as (inputs, outputs), and biases."""
    return [(jnp.array(work.weight(layer).T), jnp.array(work.bias(layer))) for layer in range(len(work.layers))]


def forward(params, x):
    for number, (weight, bias) in enumerate(params):
        x = (jax.nn.relu(x) if number > 0 else x) @ weight + bias
    return x


class Train:
    def __init__(self, work):
        rule = optimizer(work)
        self.params = mlp(work)
        self.state = rule.init(self.params)
        self.x = jnp.array(work.x())
        if work.kind == "classify":
            self.y = jnp.array(work.labels())
            mean = lambda output, y: optax.softmax_cross_entropy_with_integer_labels(output, y).mean()
        else:
            self.y = jnp.array(work.y())
            mean = lambda output, y: jnp.mean((output - y) ** 2)

        def step(params, state, x, y):
            loss, grads = jax.value_and_grad(lambda params: mean(forward(params, x), y))(params)
            updates, state = rule.update(grads, state, params)
            return optax.apply_updates(params, updates), state, loss

        self.jitted = jax.jit(step, donate_argnums=(0, 1))

    def step(self):
        self.params, self.state, self.loss = self.jitted(self.params, self.state, self.x, self.y)

    def sync(self):
        jax.block_until_ready((self.params, self.state, self.loss))

    def check(self):
        return float(self.loss)


class Update:
    def __init__(self, work):
        self.work = work
        rule = optimizer(work)
        self.params = [jnp.array(values) for values in work.parameters()]
        self.grads = [jnp.array(values) for values in work.gradients()]
        self.state = rule.init(self.params)

        def step(params, state, grads):
            updates, state = rule.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        self.jitted = jax.jit(step, donate_argnums=(0, 1))

    def step(self):
        self.params, self.state = self.jitted(self.params, self.state, self.grads)

    def sync(self):
        jax.block_until_ready((self.params, self.state))

    def check(self):
        return self.work.updated(self.params[0])


class Forward:
    def __init__(self, work):
        self.params, self.x, self.jitted = mlp(work), jnp.array(work.x()), jax.jit(forward)

    def step(self):
        self.y = self.jitted(self.params, self.x)

    def sync(self):
        self.y.block_until_ready()

    def check(self):
        return mean_square(self.y)


work = Work(sys.argv[-2])
serve(work, {"update": Update, "forward": Forward}.get(work.kind, Train)(work))
