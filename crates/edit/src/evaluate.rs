use crate::values::log_softmax;
use rand_distr::StandardNormal;
use wane_autodiff::ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use wane_autodiff::rand::RngExt;
use wane_autodiff::{Classes, Error, Float, Params, Rng, non_negative};
use wane_layers::Sequential;

/// How [`Bystanders::effect`] tries an edit out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EffectOptions {
    /// How many perturbed copies of each edited input are tried.
    pub copies: usize,
    /// The standard deviation of the normal noise that each number of a copy gets.
    pub noise: f64,
    /// How many neighbours of each edited input are looked at.
    pub neighbours: usize,
}

impl Default for EffectOptions {
    fn default() -> Self {
        Self { copies: 20, noise: 0.05, neighbours: 10 }
    }
}

/// A row whose largest output is another than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flip {
    /// The bystander's row.
    pub row: usize,
    /// The class that it was taken for.
    pub before: usize,
    /// The class that it is taken for.
    pub after: usize,
}

/// What was meant: how an edited classifier takes the inputs it was edited for, and those around them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Effect {
    /// The share of edited inputs that are taken for the class that was wanted.
    pub efficacy: f64,
    /// The share of their perturbed copies that are; NaN without copies.
    pub generalisation: f64,
    /// Of the bystanders that were taken for the same class as an edited input and are its nearest such neighbours, the
    /// share that is taken for the same as before; NaN where there is none.
    pub specificity: f64,
}

/// What was not meant: how far an edit reaches among bystanders.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Locality {
    /// √ of the mean of (y′ − y)², over all outputs y before and y′ after.
    pub drift: f64,
    /// The share of rows whose largest output is another than before.
    pub flips: f64,
    /// The mean of KL(p ‖ p′) over rows, p being the softmax of the outputs before and p′ after.
    pub kl: f64,
}

/// Inputs that no edit is meant for, such as held-out data, and what a model gave for them before.
#[derive(Clone, Debug)]
pub struct Bystanders<'m, T> {
    model: &'m Sequential<T>,
    original: Params<T>,
    x: Array2<T>,
    /// Outputs.
    before: Array2<f64>,
}

impl<'m, T: Float> Bystanders<'m, T> {
    /// The rows of x, (rows, inputs), and what the model gives for them now.
    ///
    /// # Errors
    /// No row; an x of another width than the model takes in, or with a value that is not finite.
    ///
    /// # Panics
    /// Other parameters than the model's.
    #[track_caller]
    pub fn new(model: &'m Sequential<T>, params: &Params<T>, x: ArrayView2<'_, T>) -> Result<Self, Error> {
        if x.nrows() == 0 {
            return Err(Error::data("number of rows of x", 0, "at least 1"));
        }
        let before = model.predict(params, x)?.mapv(T::widen);
        Ok(Self { model, original: params.clone(), x: x.to_owned(), before })
    }

    /// The outputs before, (rows, outputs).
    pub fn before(&self) -> ArrayView2<'_, f64> {
        self.before.view()
    }

    /// The number of rows, at least 1.
    pub fn len(&self) -> usize {
        self.x.nrows()
    }

    /// Whether there is no row: never so.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How far edited parameters reach, over all rows but those that are among the `edited` inputs, (edits, inputs). NaN
    /// where there are no others.
    ///
    /// # Errors
    /// Edited inputs of another width.
    ///
    /// # Panics
    /// Other parameters than the model's.
    #[track_caller]
    pub fn locality(&self, params: &Params<T>, edited: ArrayView2<'_, T>) -> Result<Locality, Error> {
        let after = self.after(params)?;
        let others = self.others(edited)?;
        let (mut square, mut flips, mut kl) = (0.0, 0, 0.0);
        for &row in &others {
            let (before, after) = (self.before.row(row), after.row(row));
            square += before.iter().zip(after).map(|(before, after)| (after - before).powi(2)).sum::<f64>();
            flips += usize::from(largest(before) != largest(after));
            let (p, q) = (log_softmax(before), log_softmax(after));
            kl += p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum::<f64>();
        }
        let rows = others.len() as f64;
        let drift = (square / (rows * self.before.ncols() as f64)).sqrt();
        Ok(Locality { drift, flips: flips as f64 / rows, kl: kl / rows })
    }

    /// The rows, but for those among the `edited`, whose largest output is another with these parameters.
    ///
    /// # Errors
    /// As [`locality`](Self::locality).
    ///
    /// # Panics
    /// As [`locality`](Self::locality).
    #[track_caller]
    pub fn flipped(&self, params: &Params<T>, edited: ArrayView2<'_, T>) -> Result<Vec<Flip>, Error> {
        let after = self.after(params)?;
        let of = |row: usize| Flip { row, before: largest(self.before.row(row)), after: largest(after.row(row)) };
        let all = self.others(edited)?.into_iter().map(of);
        Ok(all.filter(|flip| flip.before != flip.after).collect())
    }

    /// How edited parameters take the `edited` inputs, (edits, inputs), of which the classes `wanted` were wanted, and those
    /// around them.
    ///
    /// # Errors
    /// No edited input, or one of another width; another number of classes than of inputs, or than the model has outputs; a
    /// noise that is negative or not finite.
    ///
    /// # Panics
    /// As [`locality`](Self::locality).
    #[track_caller]
    pub fn effect(
        &self,
        params: &Params<T>,
        (edited, wanted): (ArrayView2<'_, T>, &Classes),
        options: &EffectOptions,
        rng: &mut Rng,
    ) -> Result<Effect, Error> {
        non_negative("noise", options.noise)?;
        let others = self.others(edited)?;
        if wanted.len() != edited.nrows() || wanted.is_empty() {
            let expected = format!("{}, one an edited input, and at least 1", edited.nrows());
            return Err(Error::data("number of wanted classes", wanted.len(), expected));
        }
        if wanted.count() != self.before.ncols() {
            let expected = format!("{}, as the model has outputs", self.before.ncols());
            return Err(Error::data("number of classes", wanted.count(), expected));
        }
        let hits = |x: ArrayView2<'_, T>, class: usize| {
            let output = self.model.predict(params, x)?.mapv(T::widen);
            Ok::<_, Error>(output.rows().into_iter().filter(|&row| largest(row) == class).count())
        };
        let (after, before) = (self.after(params)?, self.model.predict(&self.original, edited)?.mapv(T::widen));
        let (mut efficacy, mut generalisation, mut kept, mut near) = (0, 0, 0, 0);
        for ((x, before), &class) in edited.rows().into_iter().zip(before.rows()).zip(wanted.labels()) {
            let class = class as usize;
            efficacy += hits(x.insert_axis(Axis(0)), class)?;
            if options.copies > 0 {
                let copy = |(_, at)| x[at] + T::of(options.noise * rng.sample::<f64, _>(StandardNormal));
                generalisation += hits(Array2::from_shape_fn((options.copies, x.len()), copy).view(), class)?;
            }
            let taken_for = largest(before);
            let is_same = |&row: &usize| largest(self.before.row(row)) == taken_for;
            let mut same: Vec<usize> = others.iter().copied().filter(is_same).collect();
            same.sort_by(|&a, &b| self.distance(x, a).total_cmp(&self.distance(x, b)));
            same.truncate(options.neighbours);
            near += same.len();
            kept += same.iter().filter(|&&row| largest(after.row(row)) == taken_for).count();
        }
        let edits = wanted.len() as f64;
        Ok(Effect {
            efficacy: efficacy as f64 / edits,
            generalisation: generalisation as f64 / (edits * options.copies as f64),
            specificity: kept as f64 / near as f64,
        })
    }

    fn after(&self, params: &Params<T>) -> Result<Array2<f64>, Error> {
        Ok(self.model.predict(params, self.x.view())?.mapv(T::widen))
    }

    /// The rows that are not among the edited.
    fn others(&self, edited: ArrayView2<'_, T>) -> Result<Vec<usize>, Error> {
        if edited.ncols() != self.x.ncols() {
            let expected = format!("{}, as the other rows have", self.x.ncols());
            return Err(Error::data("number of columns of the edited rows", edited.ncols(), expected));
        }
        let is_edited = |row: usize| edited.rows().into_iter().any(|edited| edited == self.x.row(row));
        Ok((0..self.len()).filter(|&row| !is_edited(row)).collect())
    }

    fn distance(&self, x: ArrayView1<'_, T>, row: usize) -> f64 {
        x.iter().zip(self.x.row(row)).map(|(a, b)| (a.widen() - b.widen()).powi(2)).sum()
    }
}

/// The first of equals, as in a metric of accuracy; the first NaN if there is one.
fn largest(outputs: ArrayView1<'_, f64>) -> usize {
    let mut best = 0;
    for (at, output) in outputs.iter().enumerate() {
        if output.is_nan() {
            return at;
        }
        if *output > outputs[best] {
            best = at;
        }
    }
    best
}
