//! The values behind a layer that lead to what the model is to do.

use crate::site::matrix;
use crate::{Site, ValueOptions, Wanted};
use faer::Mat;
use wane_autodiff::ndarray::{Array1, Array2, ArrayView1, Axis, s};
use wane_autodiff::{Classes, Error, Float, Params, Tape, number};
use wane_optim::{Adam, AdamOptions, Group};

/// A value for each row of `now`, (edits, outputs of the layer), the values as they are.
pub(crate) fn choose<T: Float>(
    site: &Site<'_, T>,
    params: &Params<T>,
    now: &Array2<f64>,
    wanted: Wanted<'_, T>,
    options: &ValueOptions,
) -> Result<Array2<f64>, Error> {
    if now.iter().any(|value| !T::of(*value).is_finite()) {
        return Err(Error::data("values behind the layer", "beyond what the model's numbers hold", "finite numbers"));
    }
    let mut path = Path::new(site, params);
    let edits = now.nrows();
    let rows = |given: usize| match given == edits {
        true => Ok(()),
        false => Err(Error::data("number of rows wanted", given, format!("{edits}, one an edit"))),
    };
    match wanted {
        Wanted::Values(values) => {
            rows(values.nrows())?;
            check("values", values.map(|value| value.widen()), now.ncols())
        }
        Wanted::Outputs(outputs) => {
            rows(outputs.nrows())?;
            let width = path.output(now.row(0))?.len();
            let outputs = check("outputs", outputs.map(|value| value.widen()), width)?;
            if site.is_last() {
                return Ok(outputs);
            }
            each(now, |edit, value| path.newton(value, outputs.row(edit), options))
        }
        Wanted::Classes(classes) => {
            rows(classes.len())?;
            let width = path.output(now.row(0))?.len();
            if classes.count() != width || width < 2 {
                let expected = format!("{width}, as the model has outputs, and at least 2");
                return Err(Error::data("number of classes", classes.count(), expected));
            }
            each(now, |edit, value| match classes.labels()[edit] {
                Classes::IGNORED => Err(Error::data("class", "ignored", format!("one below {width}"))),
                class => path.adam(value, class as usize, options),
            })
        }
    }
}

fn each(
    now: &Array2<f64>,
    mut choose: impl FnMut(usize, ArrayView1<'_, f64>) -> Result<Array1<f64>, Error>,
) -> Result<Array2<f64>, Error> {
    let mut values = now.clone();
    for (edit, mut value) in values.rows_mut().into_iter().enumerate() {
        let chosen = choose(edit, now.row(edit)).map_err(|error| error.within(format!("edit {edit}")))?;
        value.assign(&chosen);
    }
    Ok(values)
}

fn check(what: &str, wanted: Array2<f64>, width: usize) -> Result<Array2<f64>, Error> {
    if wanted.ncols() != width {
        return Err(Error::data(
            format!("width of the {what} wanted"),
            wanted.ncols(),
            format!("{width}, as there are"),
        ));
    }
    match wanted.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((edit, at), value)) => {
            Err(Error::data(format!("number {at} of the {what} wanted of edit {edit}"), value, "a finite number"))
        }
        None => Ok(wanted),
    }
}

/// The layers behind a site, through which gradients come back to its value.
struct Path<'a, 'm, T: Float> {
    site: &'a Site<'m, T>,
    /// All frozen: only the value's gradient is wanted.
    params: Params<T>,
    tape: Tape<T>,
}

impl<'a, 'm, T: Float> Path<'a, 'm, T> {
    fn new(site: &'a Site<'m, T>, params: &Params<T>) -> Self {
        let mut params = params.clone();
        params.freeze(&params.ids()).expect("the parameters' own handles");
        Self { site, params, tape: Tape::new() }
    }

    fn output(&mut self, value: ArrayView1<'_, f64>) -> Result<Array1<f64>, Error> {
        let value = self.tape.record(&self.params).input(&row(value));
        one_row(matrix(self.site.output(value), "model's output")?)
    }

    /// The output, and its derivative by the value: (outputs, values).
    fn jacobian(&mut self, value: ArrayView1<'_, f64>) -> Result<(Array1<f64>, Array2<f64>), Error> {
        let mut grads = self.params.grads();
        let value = self.tape.record(&self.params).variable(&row(value));
        let output = self.site.output(value);
        let at = one_row(matrix(output, "model's output")?)?;
        let mut jacobian = Array2::zeros((at.len(), value.shape().len()));
        for (which, mut derivative) in jacobian.rows_mut().into_iter().enumerate() {
            let mut seed = Array2::zeros((1, at.len()));
            seed[(0, which)] = T::one();
            output.backward_from(&seed, &mut grads);
            if let Some(grad) = value.grad() {
                derivative.iter_mut().zip(&grad).for_each(|(to, from)| *to = from.widen());
            }
        }
        Ok((at, jacobian))
    }

    /// A value at which the output is `wanted`, by the smallest steps of Newton's method, halved while they do not help.
    fn newton(
        &mut self,
        start: ArrayView1<'_, f64>,
        wanted: ArrayView1<'_, f64>,
        options: &ValueOptions,
    ) -> Result<Array1<f64>, Error> {
        let mut value = start.to_owned();
        let (mut at, mut jacobian) = self.jacobian(value.view())?;
        let enough = options.tolerance * largest(at.view()).max(largest(wanted));
        for step in 0.. {
            let missed = &wanted - &at;
            let off = largest(missed.view());
            if off == 0.0 {
                break;
            }
            let Some(change) = (step < options.steps).then(|| smallest(&jacobian, &missed)).transpose()?.flatten()
            else {
                // Slopes that were lost on the way are those of a value far out.
                let is_dead = step == 0 && jacobian.iter().all(|&slope| slope == 0.0);
                return self.end(value, off, enough, is_dead);
            };
            let halves = std::iter::successors(Some(1.0), |part| Some(part / 2.0)).take(30);
            let mut better = None;
            for part in halves {
                let tried = &value + &(&change * part);
                let (there, slopes) = self.jacobian(tried.view())?;
                if largest((&wanted - &there).view()) < off {
                    better = Some((tried, there, slopes));
                    break;
                }
            }
            match better {
                Some(better) => (value, at, jacobian) = better,
                None => return self.end(value, off, enough, false),
            }
        }
        Ok(value)
    }

    fn end(&self, value: Array1<f64>, off: f64, enough: f64, is_dead: bool) -> Result<Array1<f64>, Error> {
        if off <= enough {
            Ok(value)
        } else if is_dead {
            Err(self.dead())
        } else {
            let expected = "an output that the layer can bring about (a larger tolerance, more steps, another layer)";
            Err(Error::data("output wanted", format!("missed by {}", number(off)), expected))
        }
    }

    fn dead(&self) -> Error {
        let field = format!("path from the layer of {:?} to the output", self.site.name());
        let expected = "an input at which a unit behind the layer is active, or a later layer";
        Error::data(field, "dead: the output does not change with the value", expected)
    }

    /// A value at which `class` has the wanted probability, by Adam.
    fn adam(&mut self, start: ArrayView1<'_, f64>, class: usize, options: &ValueOptions) -> Result<Array1<f64>, Error> {
        let root = (start.len() as f64).sqrt();
        // ‖v₀‖; a value of 0 has no length that another could be a multiple of.
        let size = Some(start.dot(&start).sqrt()).filter(|&size| size > 0.0).unwrap_or(root);
        let others = match options.kl {
            0.0 => None,
            _ => Some(log_softmax(without(self.output(start)?.view(), class).view())),
        };
        let mut moved = Params::<f64>::new();
        let id = moved.root().add("delta", &Array1::<f64>::zeros(start.len()))?;
        let adam = AdamOptions { lr: options.lr * size / root, ..Default::default() };
        let mut optimizer = Adam::new(adam)?.group(Group::new(&[id]))?;
        let mut grads = moved.grads();
        let mut reached = (0.0, 0);
        for step in 0..=options.steps {
            let delta = Array1::from_vec(moved.as_slice().to_vec());
            let (probability, mut gradient) =
                self.pull((&start + &delta).view(), class, others.as_ref(), options.kl)?;
            if probability >= options.probability {
                return Ok(&start + &delta);
            }
            let is_flat = gradient.iter().all(|&slope| slope == 0.0);
            if is_flat && step == 0 {
                return Err(self.dead());
            }
            if is_flat || step == options.steps {
                reached = (probability, step);
                break;
            }
            let norm = delta.dot(&delta).sqrt();
            if options.decay > 0.0 && norm > 0.0 {
                gradient.scaled_add(options.decay / (norm * size * size), &delta);
            }
            grads.set(id, &gradient)?;
            optimizer.step(&mut moved, &grads)?;
            let norm = moved.as_slice().iter().map(|delta| delta * delta).sum::<f64>().sqrt();
            if norm > options.clamp * size {
                moved.as_mut_slice().iter_mut().for_each(|delta| *delta *= options.clamp * size / norm);
            }
        }
        let given = format!("{:.3} after {} steps", reached.0, reached.1);
        let expected =
            format!("{} (a larger clamp, more steps, less kl or decay, or a smaller probability)", options.probability);
        Err(Error::data(format!("probability of class {class}"), given, expected))
    }

    /// The probability of `class`, and the gradient of −ln of it, plus `kl` times the divergence of the `others`.
    fn pull(
        &mut self,
        value: ArrayView1<'_, f64>,
        class: usize,
        others: Option<&Array1<f64>>,
        kl: f64,
    ) -> Result<(f64, Array1<f64>), Error> {
        let mut grads = self.params.grads();
        let graph = self.tape.record(&self.params);
        let value = graph.variable(&row(value));
        let output = self.site.output(value);
        let logits = one_row(matrix(output, "model's output")?)?;
        let classes = Classes::new(&[class], logits.len())?;
        let mut loss = output.cross_entropy_loss(&classes);
        if let Some(before) = others {
            let rest: Vec<usize> = (0..logits.len()).filter(|&other| other != class).collect();
            let after = output.select(1, &rest).log_softmax(1);
            let weights = before.mapv(|log| T::of(log.exp())).insert_axis(Axis(0));
            // Σ q₀(ln q₀ − ln q), but for what does not change.
            loss = loss - (graph.input(&weights) * after).sum() * T::of(kl);
        }
        if !loss.item().is_finite() {
            return Err(Error::data("output of the model", "not finite", "finite logits"));
        }
        loss.backward(&mut grads);
        let gradient = value.grad().map_or_else(
            || Array1::zeros(value.shape().len()),
            |grad| grad.iter().map(|slope| slope.widen()).collect(),
        );
        Ok((log_softmax(logits.view())[class].exp(), gradient))
    }
}

fn row<T: Float>(value: ArrayView1<'_, f64>) -> Array2<T> {
    value.mapv(T::of).insert_axis(Axis(0))
}

fn one_row<T: Float>(output: Array2<T>) -> Result<Array1<f64>, Error> {
    if output.nrows() != 1 {
        return Err(Error::data("rows of the model's output", output.nrows(), "1, as there is one row of data"));
    }
    Ok(output.row(0).mapv(T::widen))
}

fn without(values: ArrayView1<'_, f64>, at: usize) -> Array1<f64> {
    values.slice(s![..at]).iter().chain(&values.slice(s![at + 1..])).copied().collect()
}

pub(crate) fn log_softmax(logits: ArrayView1<'_, f64>) -> Array1<f64> {
    let top = logits.fold(f64::NEG_INFINITY, |top, &logit| top.max(logit));
    let rest: f64 = logits.iter().map(|logit| (logit - top).exp()).sum();
    logits.mapv(|logit| logit - top - rest.ln())
}

fn largest(values: ArrayView1<'_, f64>) -> f64 {
    values.iter().fold(0.0, |most: f64, value| if value.is_nan() { f64::NAN } else { most.max(value.abs()) })
}

/// J⁺r, the smallest step along which the output goes by r, as far as it goes anywhere; `None` where it does not.
fn smallest(jacobian: &Array2<f64>, missed: &Array1<f64>) -> Result<Option<Array1<f64>>, Error> {
    let (outputs, values) = jacobian.dim();
    let svd = Mat::from_fn(outputs, values, |i, j| jacobian[(i, j)]).thin_svd();
    let svd = svd.map_err(|error| {
        Error::data("slopes of the output", format!("not to be inverted ({error:?})"), "slopes of moderate size")
    })?;
    let (u, v, s) = (svd.U(), svd.V(), svd.S().column_vector());
    if s[0].is_nan() || s[0] <= 0.0 {
        return Ok(None);
    }
    let mut step = Array1::zeros(values);
    for i in (0..outputs.min(values)).filter(|&i| s[i] > 1e-10 * s[0]) {
        let along: f64 = (0..outputs).map(|j| u[(j, i)] * missed[j]).sum();
        (0..values).for_each(|j| step[j] += v[(j, i)] * along / s[i]);
    }
    Ok(Some(step))
}
