//! wane, by its public interface alone.

use std::time::Instant;
use wane::ndarray::{Array1, Array2};
use wane::prelude::*;
use work::{Program, Step, Work};

type Update = Box<dyn FnMut(&mut Params<f32>, &Grads<f32>)>;

/// The optimizer that the work asks for, over all parameters.
fn optimizer(work: &Work, params: &Params<f32>) -> Update {
    let (lr, betas, eps, weight_decay) = (work::LR, work::BETAS, work::EPS, work::DECAY);
    if work.step == Step::Adam {
        let options = AdamOptions { lr, betas, eps, weight_decay, ..Default::default() };
        let mut adam = Adam::new(options).and_then(|adam| adam.group(Group::all(params))).expect("good options");
        Box::new(move |params, grads| adam.step(params, grads).expect("the same layout"))
    } else {
        let options = AdamWOptions { lr, betas, eps, weight_decay, ..Default::default() };
        let mut adamw = AdamW::new(options).and_then(|adamw| adamw.group(Group::all(params))).expect("good options");
        Box::new(move |params, grads| adamw.step(params, grads).expect("the same layout"))
    }
}

fn model(work: &Work) -> (Params<f32>, Sequential<f32>) {
    let mut params = Params::new();
    let mut model = Sequential::new();
    for (number, (inputs, outputs)) in work.layers().into_iter().enumerate() {
        if number > 0 {
            model = model.relu();
        }
        model = model.linear(inputs, outputs);
    }
    let model = model.build(params.root(), &mut Rng::seed_from_u64(1)).expect("sizes that fit");
    // A layer's weight stands before its bias, and layers follow each other.
    let mut rest = params.as_mut_slice();
    for values in (0..work.layers().len()).flat_map(|layer| [work.weight(layer), work.bias(layer)]) {
        let (parameter, behind) = rest.split_at_mut(values.len());
        parameter.copy_from_slice(&values);
        rest = behind;
    }
    (params, model)
}

fn matrix(rows: usize, values: Vec<f32>) -> Array2<f32> {
    Array2::from_shape_vec((rows, values.len() / rows), values).expect("whole rows")
}

enum Target {
    Values(Array2<f32>),
    Classes(Classes),
}

struct Train {
    params: Params<f32>,
    model: Sequential<f32>,
    grads: Grads<f32>,
    tape: Tape<f32>,
    update: Update,
    x: Array2<f32>,
    target: Target,
    loss: f32,
}

impl Train {
    fn new(work: &Work) -> Self {
        let (params, model) = model(work);
        let target = match work.step {
            Step::Classify => Target::Classes(Classes::new(&work.labels(), work.outputs()).expect("good labels")),
            _ => Target::Values(matrix(work.rows, work.y())),
        };
        let (grads, update) = (params.grads(), optimizer(work, &params));
        let x = matrix(work.rows, work.x());
        Self { params, model, grads, tape: Tape::new(), update, x, target, loss: 0.0 }
    }
}

impl Program for Train {
    fn step(&mut self) {
        let graph = self.tape.record(&self.params);
        let output = self.model.forward(graph.input(&self.x));
        let loss = match &self.target {
            Target::Values(y) => output.mse_loss(graph.input(y)),
            Target::Classes(labels) => output.cross_entropy_loss(labels),
        };
        loss.backward(&mut self.grads);
        self.loss = loss.item();
        (self.update)(&mut self.params, &self.grads);
    }

    fn check(&mut self) -> f64 {
        self.loss.into()
    }
}

/// The optimizer alone, by gradients set once.
struct UpdateAlone {
    work: Work,
    params: Params<f32>,
    grads: Grads<f32>,
    update: Update,
}

impl UpdateAlone {
    fn new(work: &Work, tensors: usize, len: usize) -> Self {
        let mut params = Params::new();
        let ids: Vec<_> = (0..tensors)
            .map(|tensor| params.root().add(&format!("{tensor}"), &Array1::from(work.parameter(tensor, len))))
            .collect::<Result<_, _>>()
            .expect("new names");
        let mut grads = params.grads();
        for (tensor, id) in ids.into_iter().enumerate() {
            grads.set(id, &Array1::from(work.gradient(tensor, len))).expect("the same shape");
        }
        let update = optimizer(work, &params);
        Self { work: work.clone(), params, grads, update }
    }
}

impl Program for UpdateAlone {
    fn step(&mut self) {
        (self.update)(&mut self.params, &self.grads);
    }

    fn check(&mut self) -> f64 {
        self.work.updated(self.params.as_slice())
    }
}

struct Forward {
    predictor: Predictor<f32>,
    x: Array2<f32>,
}

impl Program for Forward {
    fn step(&mut self) {
        let y = self.predictor.predict(self.x.view()).expect("as many columns as inputs");
        std::hint::black_box(y);
    }

    fn check(&mut self) -> f64 {
        let y = self.predictor.predict(self.x.view()).expect("as many columns as inputs");
        work::mean_square(y.as_slice().expect("contiguous"))
    }
}

fn main() {
    let main = Instant::now();
    let (work, threads) = work::asked();
    let threads = Threads::new(threads).expect("at least one thread");
    threads.install(|| {
        let mut program: Box<dyn Program> = match work.step {
            Step::Update { tensors, len } => Box::new(UpdateAlone::new(&work, tensors, len)),
            Step::Forward => {
                let (params, model) = model(&work);
                let predictor = Predictor::new(model, params, ModelCard::default()).expect("an empty card");
                Box::new(Forward { predictor, x: matrix(work.rows, work.x()) })
            }
            _ => Box::new(Train::new(&work)),
        };
        work::serve(main, &work, &mut *program);
    });
}
