//! Where a value is sent so that the model does what is wanted.

use crate::common::{config, network, refused};
use proptest::prelude::{Just, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use wane_autodiff::ndarray::{Array1, Array2, ArrayView1, Axis, Ix2, array, s};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Activation, Classes, Error, Float, Params, Rng};
use wane_edit::{EditOptions, Editor, KeyStats, Memories, Site, ValueOptions, Wanted};
use wane_layers::Sequential;

struct Net<T> {
    model: Sequential<T>,
    params: Params<T>,
    x: Array2<T>,
}

impl<T: Float> Net<T> {
    fn new(outputs: usize, activation: Activation, seed: u64) -> Self {
        let (model, params, x) = network(outputs, activation, seed);
        Self { model, params, x }
    }

    fn editor(&self, layer: usize, value: ValueOptions) -> Editor<'_, T> {
        let site = Site::new(&self.model, &self.params, layer).unwrap();
        let stats = KeyStats::of(&site, &self.params, self.x.view()).unwrap();
        Editor::new(site, &self.params, stats, EditOptions { value, ..Default::default() }).unwrap()
    }

    /// The value as it is for the first row, and as it is chosen.
    fn choose(
        &self,
        layer: usize,
        value: ValueOptions,
        wanted: Wanted<'_, T>,
    ) -> Result<(Array1<f64>, Array1<f64>), Error> {
        let editor = self.editor(layer, value);
        let keys = editor.site().keys(&self.params, self.x.slice(s![..1, ..]))?;
        let chosen = editor.choose(&self.params, keys.view(), wanted)?;
        let part = |name: &str| self.params.get(self.params.id(&format!("{layer}.{name}")).unwrap()).mapv(T::widen);
        let weight = part("weight").into_dimensionality::<Ix2>().unwrap();
        let now = weight.dot(&keys.row(0).mapv(T::widen)) + part("bias").flatten();
        Ok((now, chosen.values().row(0).to_owned()))
    }

    /// The output where the layer's value is this one.
    fn behind(&self, layer: usize, value: ArrayView1<'_, f64>) -> Array1<f64> {
        let editor = self.editor(layer, ValueOptions::default());
        let keys = editor.site().keys(&self.params, self.x.slice(s![..1, ..])).unwrap().mapv(T::widen);
        let memories = Memories::new(keys, value.to_owned().insert_axis(Axis(0))).unwrap();
        let mut params = self.params.clone();
        editor.solve(&params, memories).unwrap().apply(&mut params).unwrap();
        self.model.predict(&params, self.x.slice(s![..1, ..])).unwrap().row(0).mapv(T::widen)
    }
}

fn size(values: &Array1<f64>) -> f64 {
    values.dot(values).sqrt()
}

fn softmax(logits: &Array1<f64>) -> Array1<f64> {
    let shares = logits.mapv(f64::exp);
    let sum = shares.sum();
    shares / sum
}

/// KL of the other classes among themselves.
fn divergence(before: &Array1<f64>, after: &Array1<f64>, class: usize) -> f64 {
    let others = |logits: &Array1<f64>| {
        softmax(&logits.iter().enumerate().filter(|&(at, _)| at != class).map(|(_, &value)| value).collect())
    };
    others(before).iter().zip(others(after)).map(|(p, q)| p * (p / q).ln()).sum()
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn newton_hits_the_output(
        outputs in 1..3_usize,
        activation in prop_oneof![Just(Activation::Tanh), Just(Activation::Silu), Just(Activation::Softplus)],
        layer in prop_oneof![Just(0), Just(2), Just(4)],
        seed in any::<u64>(),
    ) {
        let net = Net::<f64>::new(outputs, activation, seed);
        let mut rng = Rng::seed_from_u64(seed ^ 1);
        let now = net.model.predict(&net.params, net.x.slice(s![..1, ..])).unwrap();
        let wanted = now.mapv(|now| now + rng.random_range(-0.3..0.3));
        let (_, value) = net.choose(layer, ValueOptions::default(), Wanted::Outputs(wanted.view())).unwrap();
        let there = net.behind(layer, value.view());
        prop_assert!((&there - &wanted.row(0)).iter().all(|off| off.abs() < 1e-11), "{there} instead of {wanted}");
        if layer == 4 {
            prop_assert!(value == wanted.row(0), "the last layer's values are the outputs");
        }
    }

    #[test]
    fn a_class_gets_its_probability(
        layer in prop_oneof![Just(2), Just(4)],
        class in 0..4_usize,
        probability in 0.3..0.99_f64,
        seed in any::<u64>(),
    ) {
        // Its units reach all numbers, and its weights all logits.
        let net = Net::<f32>::new(4, Activation::LeakyRelu(0.3), seed);
        let options = ValueOptions { probability, clamp: f64::INFINITY, ..Default::default() };
        let classes = Classes::new(&[class], 4).unwrap();
        let (before, value) = net.choose(layer, options, Wanted::Classes(&classes)).unwrap();
        let reached = softmax(&net.behind(layer, value.view()))[class];
        prop_assert!(reached > probability - 1e-5, "{reached} instead of {probability}");
        // Nothing is done where it was there before.
        let start = softmax(&net.behind(layer, before.view()))[class];
        prop_assert_eq!(start >= probability, size(&(&value - &before)) < 1e-6, "{} instead of {}", start, probability);
    }
}

/// A line, so that one step is enough and is the smallest: δ = g(y* − y)/‖g‖².
#[test]
fn newton_takes_the_smallest_step() {
    let mut net = Net::<f64>::new(1, Activation::LeakyRelu(0.5), 1);
    let bias = net.params.id("2.bias").unwrap();
    net.params.set(bias, &Array1::from_elem(6, 50.0)).unwrap();
    let now = net.model.predict(&net.params, net.x.slice(s![..1, ..])).unwrap()[(0, 0)];
    let (before, after) = net.choose(2, ValueOptions::default(), Wanted::Outputs(array![[now + 1.0]].view())).unwrap();
    let slope = net.params.get(net.params.id("4.weight").unwrap()).flatten().into_owned();
    let expected = &slope / slope.dot(&slope);
    assert!((after - before - expected).iter().all(|off| off.abs() < 1e-12));
}

#[test]
fn the_clamp_holds() {
    let net = Net::<f64>::new(4, Activation::Tanh, 3);
    let classes = [0, 1, 2, 3].map(|class| Classes::new(&[class], 4).unwrap());
    let mut is_bound = 0;
    for classes in &classes {
        for clamp in [0.0, 0.1, 0.5, 1.0, 2.0, 4.0] {
            let options = ValueOptions { clamp, probability: 0.6, ..Default::default() };
            match net.choose(2, options, Wanted::Classes(classes)) {
                Ok((before, after)) => assert!(size(&(&after - &before)) <= clamp * size(&before) + 1e-13),
                Err(error) => {
                    is_bound += 1;
                    let message = error.to_string();
                    assert!(message.contains("edit 0: probability of class"), "{message}");
                    assert!(message.contains("a larger clamp"), "{message}");
                }
            }
        }
    }
    assert!((3..20).contains(&is_bound), "{is_bound} of 24");
}

/// Where the value is 0 there is no length to be a multiple of: it can be left all the same.
#[test]
fn a_value_of_zero_is_left() {
    let mut net = Net::<f64>::new(4, Activation::Tanh, 3);
    for name in ["2.weight", "2.bias"] {
        let range = net.params.layout().entry(net.params.id(name).unwrap()).unwrap().range();
        net.params.as_mut_slice()[range].fill(0.0);
    }
    let (before, after) = net
        .choose(
            2,
            ValueOptions { probability: 0.5, ..Default::default() },
            Wanted::Classes(&Classes::new(&[2], 4).unwrap()),
        )
        .unwrap();
    assert!(size(&before) == 0.0 && size(&after) > 0.1 && softmax(&net.behind(2, after.view()))[2] >= 0.5);
}

#[test]
fn the_other_terms_do_what_they_say() {
    let (mut kl, mut lengths) = ([0.0; 2], [0.0; 2]);
    for seed in 0..10 {
        let net = Net::<f64>::new(4, Activation::Tanh, seed);
        let logits = net.model.predict(&net.params, net.x.slice(s![..1, ..])).unwrap().row(0).to_owned();
        let classes = Classes::new(&[1], 4).unwrap();
        let options = ValueOptions { lr: 0.02, steps: 3000, clamp: f64::INFINITY, ..Default::default() };
        for (at, weight) in [0.0, 3.0].into_iter().enumerate() {
            let with = ValueOptions { kl: weight, ..options };
            let (_, value) = net.choose(2, with, Wanted::Classes(&classes)).unwrap();
            kl[at] += divergence(&logits, &net.behind(2, value.view()), 1);
            let with = ValueOptions { decay: 0.02 * weight, ..options };
            let (before, value) = net.choose(2, with, Wanted::Classes(&classes)).unwrap();
            lengths[at] += size(&(value - before));
        }
        // What costs too much is not done.
        let with = ValueOptions { decay: 1e3, ..options };
        let message = net.choose(2, with, Wanted::Classes(&classes)).unwrap_err().to_string();
        assert!(message.contains("less kl or decay"), "{message}");
    }
    assert!(kl[1] < 0.2 * kl[0] && kl[0] > 0.1, "{kl:?}");
    assert!(lengths[1] < 0.995 * lengths[0], "{lengths:?}");
}

#[test]
fn a_dead_path_is_named() {
    let mut net = Net::<f32>::new(3, Activation::Relu, 3);
    // No unit behind the second layer is active; those behind the first are.
    let bias = net.params.id("2.bias").unwrap();
    net.params.set(bias, &Array1::from_elem(6, -1000.0)).unwrap();
    let classes = Classes::new(&[1], 3).unwrap();
    let taken_for = {
        let output = net.model.predict(&net.params, net.x.slice(s![..1, ..])).unwrap();
        (0..3).reduce(|best, at| if output[(0, at)] > output[(0, best)] { at } else { best }).unwrap()
    };
    for layer in [0, 2] {
        for wanted in [Wanted::Classes(&classes), Wanted::Outputs(array![[5.0, -3.0, 2.0]].view())] {
            let mut params = net.params.clone();
            let editor = net.editor(layer, ValueOptions::default());
            let x = net.x.slice(s![..1, ..]);
            let message = refused(&mut params, |params| editor.edit(params, x, wanted)?.apply(params));
            let expected = format!(
                "edit 0: path from the layer of \"{layer}.weight\" to the output is dead: the output does not change with the \
                 value; expected an input at which a unit behind the layer is active, or a later layer"
            );
            assert_eq!(message, expected);
        }
        // What is there already needs no path.
        let there = Classes::new(&[taken_for], 3).unwrap();
        let easy = ValueOptions { probability: 0.1, ..Default::default() };
        net.choose(layer, easy, Wanted::Classes(&there)).unwrap();
    }
    // The last layer has no path to be dead, but its key is.
    let message = net.choose(4, ValueOptions::default(), Wanted::Classes(&classes)).unwrap_err().to_string();
    assert!(message.starts_with("key of edit 0 is zero"), "{message}");
}

/// tanh does not go beyond 1.
#[test]
fn an_output_out_of_reach_is_named() {
    let net = Net::<f64>::new(1, Activation::Tanh, 3);
    let far = array![[1e4]];
    let message = net.choose(2, ValueOptions::default(), Wanted::Outputs(far.view())).unwrap_err().to_string();
    assert!(message.starts_with("edit 0: output wanted is missed by 99"), "{message}");
    // All that is lost on the way is the slope.
    let net = Net::<f64>::new(4, Activation::Tanh, 3);
    let without = ValueOptions { probability: 1.0 - 1e-15, clamp: f64::INFINITY, ..Default::default() };
    let message = net.choose(2, without, Wanted::Classes(&Classes::new(&[1], 4).unwrap())).unwrap_err().to_string();
    assert!(message.starts_with("edit 0: probability of class 1 is"), "{message}");
}
