use crate::Wanted;
use wane_autodiff::ndarray::ArrayView2;
use wane_autodiff::{Error, Float, ParamId, Params, Tape, Var, non_negative, number};
use wane_layers::{Module, Sequential, check_input};
use wane_optim::{Adam, AdamOptions, Group};

/// How [`fine_tune`] goes on, and how far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FineTuneOptions {
    /// Adam's learning rate.
    pub lr: f64,
    /// At most so many steps.
    pub steps: usize,
    /// A wanted class is reached where it has this probability.
    pub probability: f64,
    /// Wanted outputs are reached where each is missed by at most so much.
    pub tolerance: f64,
}

impl Default for FineTuneOptions {
    fn default() -> Self {
        Self { lr: 1e-3, steps: 1000, probability: 0.95, tolerance: 1e-3 }
    }
}

/// Trains the given parameters, and no others, on the rows of x alone until the model does what is wanted, and says after
/// how many steps that is; `None` if it is not reached. What an edit is to be compared with.
///
/// Adam on the mean cross-entropy (of wanted classes) or squared error (of wanted outputs), from fresh moments.
///
/// # Errors
/// An option out of range; no parameter; an x of another width than the model takes in, or with a value that is not finite;
/// wanted outputs or classes of other shapes than the model gives; [`Wanted::Values`]; parameters of another model.
pub fn fine_tune<T: Float>(
    model: &Sequential<T>,
    params: &mut Params<T>,
    trained: &[ParamId],
    (x, wanted): (ArrayView2<'_, T>, Wanted<'_, T>),
    options: &FineTuneOptions,
) -> Result<Option<usize>, Error> {
    let &FineTuneOptions { lr, steps, probability, tolerance } = options;
    non_negative("tolerance", tolerance)?;
    if !(probability > 0.0 && probability < 1.0) {
        return Err(Error::option("probability", number(probability), "a number above 0 and below 1"));
    }
    let described = model.describe();
    described.parameters.iter().try_for_each(|&(id, _)| params.layout().entry(id).map(drop))?;
    check_input(x, described.widths.map(|(inputs, _)| inputs), &[])?;
    let mut optimizer = Adam::new(AdamOptions { lr, ..Default::default() })?.group(Group::new(trained))?;
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    for step in 0..=steps {
        let graph = tape.record(params);
        let (loss, is_reached) = judge(model.forward(graph.input(&x)), wanted, options)?;
        if is_reached {
            return Ok(Some(step));
        }
        if step < steps {
            loss.backward(&mut grads);
            optimizer.step(params, &grads)?;
        }
    }
    Ok(None)
}

/// The loss of an output, and whether it is what was wanted.
fn judge<'g, T: Float>(
    output: Var<'g, T>,
    wanted: Wanted<'_, T>,
    options: &FineTuneOptions,
) -> Result<(Var<'g, T>, bool), Error> {
    let dims = output.shape().dims().to_vec();
    match wanted {
        Wanted::Classes(classes) => {
            if dims != [classes.len(), classes.count()] {
                let given = format!("({}, {})", classes.len(), classes.count());
                let expected = format!("{dims:?}, as the model's output");
                return Err(Error::data("rows and number of classes", given, expected));
            }
            let log = output.log_softmax(1).to_array();
            let mut labels = classes.labels().iter().enumerate();
            let is_reached = labels.all(|(row, &class)| {
                // An ignored row is no class, and wants nothing.
                log.get([row, class as usize]).is_none_or(|log| log.widen().exp() >= options.probability)
            });
            Ok((output.cross_entropy_loss(classes), is_reached))
        }
        Wanted::Outputs(outputs) => {
            if dims != outputs.shape() {
                let given = format!("{:?}", outputs.shape());
                return Err(Error::data("shape of the outputs wanted", given, format!("{dims:?}")));
            }
            let is_reached = output.with(|output| {
                output
                    .iter()
                    .zip(outputs)
                    .all(|(&output, &wanted)| (output - wanted).abs().widen() <= options.tolerance)
            });
            Ok((output.mse_loss(output.graph().input(&outputs)), is_reached))
        }
        Wanted::Values(_) => {
            let expected = "outputs or classes, for which a model is trained";
            Err(Error::option("wanted", "values of a layer", expected))
        }
    }
}
