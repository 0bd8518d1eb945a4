use crate::Memories;
use crate::checksum::Checksum;
use crate::memories::Table;
use serde::{Deserialize, Serialize};
use std::path::Path;
use wane_autodiff::ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use wane_autodiff::{Error, Float, ParamId, Params};
use wane_train::file;

const KIND: &str = "edit";

/// A change of one layer's weight of rank m, for m keys: ΔW = UVᵀ, and Δb = Us.
///
/// Column j of U is what the value of key j misses, z*_j − (Wk_j + b). V answers for the keys: UVᵀ moves key j by U's column
/// j and by no other (where the fit is exact), VᵀK + s1ᵀ = I.
///
/// An edit belongs to the weights that it was made for, by a checksum, and is refused by others. It does not hold what they
/// were: to take edits back, keep a [`Ledger`](crate::Ledger).
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub(crate) weight: String,
    pub(crate) bias: Option<String>,
    pub(crate) dtype: String,
    /// The checksum of the weights that it is for.
    pub(crate) base: u32,
    pub(crate) memories: Memories,
    /// (outputs, edits).
    pub(crate) u: Array2<f64>,
    /// (inputs, edits).
    pub(crate) v: Array2<f64>,
    /// (edits,), if the bias is edited.
    pub(crate) shift: Option<Array1<f64>>,
    pub(crate) report: Report,
}

/// What is known of an edit before it is tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// The layer's inputs, which is the most that rank can be.
    pub inputs: usize,
    /// The rank of C (of the covariance, if the bias is edited): in how many directions the statistics' keys vary at all.
    pub rank: usize,
    /// The largest eigenvalue of C over its smallest that is not 0, without the ridge; NaN where all are 0.
    pub condition: f64,
    /// ρ.
    pub ridge: f64,
    /// kᵀ(C + ρI)⁻¹k of each key (with the bias, 1 + (k − μ)ᵀ(Σ + ρI)⁻¹(k − μ)): how far it stands out from the statistics'
    /// keys, whose mean is the rank where ρ is 0. Infinite where ρ is 0 and C is too in a direction of the key's.
    ///
    /// Under [`Measure::Size`](crate::Measure::Size), kᵀk.
    #[serde(with = "list")]
    pub leverage: Array1<f64>,
    /// The mean of ‖ΔW k + Δb‖² over the statistics' data.
    pub drift: f64,
    /// drift + ρ‖ΔW‖²: what is least, of all edits that hit the values. For one key that is ‖z* − (Wk + b)‖²/leverage.
    pub objective: f64,
    /// ‖ΔW‖, the Frobenius norm. It says little of what an edit does: a smaller one may drift more.
    pub norm: f64,
    /// The largest |W′k + b′ − z*| that is left of any value, W′ and b′ being rounded to the model's numbers.
    pub missed: f64,
}

mod list {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use wane_autodiff::ndarray::Array1;

    pub(super) fn serialize<S: Serializer>(values: &Array1<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        values.to_vec().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Array1<f64>, D::Error> {
        Ok(Array1::from_vec(Vec::deserialize(deserializer)?))
    }
}

/// As a file has it.
#[derive(Serialize, Deserialize)]
struct Saved {
    weight: String,
    bias: Option<String>,
    dtype: String,
    base: u32,
    keys: Table,
    values: Table,
    u: Table,
    v: Table,
    shift: Option<Table>,
    report: Report,
}

impl Edit {
    /// The name of the weight that it changes.
    pub fn layer(&self) -> &str {
        &self.weight
    }

    /// The keys, and where they are sent.
    pub fn memories(&self) -> &Memories {
        &self.memories
    }

    /// What is known of it.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// U, (outputs, edits).
    pub fn u(&self) -> ArrayView2<'_, f64> {
        self.u.view()
    }

    /// V, (inputs, edits).
    pub fn v(&self) -> ArrayView2<'_, f64> {
        self.v.view()
    }

    /// s, (edits,), if the bias is edited.
    pub fn shift(&self) -> Option<ArrayView1<'_, f64>> {
        self.shift.as_ref().map(|shift| shift.view())
    }

    /// ΔW = UVᵀ, (outputs, inputs).
    pub fn delta_weight(&self) -> Array2<f64> {
        self.u.dot(&self.v.t())
    }

    /// Δb = Us, (outputs,), if the bias is edited.
    pub fn delta_bias(&self) -> Option<Array1<f64>> {
        self.shift.as_ref().map(|shift| self.u.dot(shift))
    }

    /// Changes the weights: each sum W + ΔW is taken in f64 and rounded once.
    ///
    /// # Errors
    /// Parameters without this layer, of other numbers, or with other weights in it than the edit was made for; frozen ones
    /// ([`Params::unfreeze`] lets them be changed). Then nothing is changed.
    pub fn apply<T: Float>(&self, params: &mut Params<T>) -> Result<(), Error> {
        let weight = params.id(&self.weight)?;
        let bias = self.bias.as_ref().map(|name| params.id(name)).transpose()?;
        if self.dtype != T::NAME {
            return Err(Error::parameter(format!("type of {:?}", self.weight), T::NAME, &*self.dtype));
        }
        let values = |id: ParamId| params.layout().entry(id).map(|entry| &params.as_slice()[entry.range()]);
        let (old, old_bias) = (values(weight)?, bias.map(values).transpose()?);
        self.check_base(Checksum::of_layer(old, old_bias))?;
        let (new, new_bias) = self.applied(old, old_bias)?;
        let edited = bias.filter(|_| self.shift.is_some());
        write(params, (weight, &new), edited.zip(new_bias.as_deref()))
    }

    /// Refuses weights of another checksum than those it was made for.
    pub(crate) fn check_base(&self, found: u32) -> Result<(), Error> {
        if found == self.base {
            return Ok(());
        }
        let expected = format!("{:08x}: the edit was made for other weights", self.base);
        Err(Error::parameter(format!("checksum of {:?} and its bias", self.weight), format!("{found:08x}"), expected))
    }

    /// The weights after it, and the bias.
    ///
    /// # Errors
    /// Weights of another number than it has; a sum beyond T.
    pub(crate) fn applied<T: Float>(
        &self,
        weight: &[T],
        bias: Option<&[T]>,
    ) -> Result<(Vec<T>, Option<Vec<T>>), Error> {
        let add = |name: &str, to: &[T], change: &mut dyn Iterator<Item = f64>| {
            let sums: Vec<T> = to.iter().zip(change).map(|(to, change)| T::of(to.widen() + change)).collect();
            match sums.iter().position(|sum| !sum.is_finite()) {
                Some(at) => {
                    let expected = format!("a number that {} can hold", T::NAME);
                    Err(Error::parameter(format!("number {at} of {name:?} after the edit"), sums[at], expected))
                }
                None => Ok(sums),
            }
        };
        let (delta, shift) = (self.delta_weight(), self.delta_bias());
        if (weight.len(), bias.map(<[T]>::len)) != (delta.len(), self.bias.as_ref().map(|_| delta.nrows())) {
            let given = format!("{} numbers and a bias of {}", weight.len(), bias.map_or(0, <[T]>::len));
            return Err(Error::parameter(format!("size of {:?}", self.weight), given, format!("{:?}", delta.dim())));
        }
        let new = add(&self.weight, weight, &mut delta.iter().copied())?;
        let new_bias = match (bias, shift, &self.bias) {
            (Some(bias), Some(shift), Some(name)) => Some(add(name, bias, &mut shift.iter().copied())?),
            (bias, ..) => bias.map(<[T]>::to_vec),
        };
        Ok((new, new_bias))
    }

    /// Writes the edit to a wane file.
    ///
    /// # Errors
    /// A folder or disk that cannot be written to: then the old file is as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let saved = Saved {
            weight: self.weight.clone(),
            bias: self.bias.clone(),
            dtype: self.dtype.clone(),
            base: self.base,
            keys: Table::of(self.memories.keys()),
            values: Table::of(self.memories.values()),
            u: Table::of(self.u.view()),
            v: Table::of(self.v.view()),
            shift: self.shift.as_ref().map(|shift| Table::of(shift.view().insert_axis(Axis(0)))),
            report: self.report.clone(),
        };
        file::write(path.as_ref(), KIND, &saved)
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// A file that is not there or damaged; numbers that are no edit.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let saved = file::read::<Saved>(path, KIND)?;
        Self::from_saved(saved).map_err(|error| error.within(format!("{path:?}")))
    }

    fn from_saved(saved: Saved) -> Result<Self, Error> {
        let Saved { weight, bias, dtype, base, keys, values, u, v, shift, report } = saved;
        let memories = Memories::new(keys.matrix("keys")?, values.matrix("values")?)?;
        let (u, v) = (u.matrix("factor u")?, v.matrix("factor v")?);
        let shift = shift.map(|shift| shift.matrix("shift of the bias")).transpose()?;
        let (edits, inputs, outputs) = (memories.len(), memories.keys().ncols(), memories.values().ncols());
        let shapes = [("factor u", u.dim(), (outputs, edits)), ("factor v", v.dim(), (inputs, edits))];
        let shift_shape = shift.as_ref().map(|shift| ("shift of the bias", shift.dim(), (1, edits)));
        for (what, given, wanted) in shapes.into_iter().chain(shift_shape) {
            if given != wanted {
                let expected = format!("{wanted:?}, as keys and values have it");
                return Err(Error::data(format!("shape of the {what}"), format!("{given:?}"), expected));
            }
        }
        if shift.is_some() && bias.is_none() {
            return Err(Error::data("shift of the bias", "there", "none, as the layer has no bias"));
        }
        if report.leverage.len() != edits {
            return Err(Error::data("number of leverages", report.leverage.len(), format!("{edits}, one an edit")));
        }
        let shift = shift.map(|shift| shift.row(0).to_owned());
        Ok(Self { weight, bias, dtype, base, memories, u, v, shift, report })
    }
}

/// Writes a layer's numbers, all or none.
pub(crate) fn write<T: Float>(
    params: &mut Params<T>,
    weight: (ParamId, &[T]),
    bias: Option<(ParamId, &[T])>,
) -> Result<(), Error> {
    let parts = || [Some(weight), bias].into_iter().flatten();
    for (id, _) in parts() {
        if params.layout().entry(id).is_ok() && params.is_frozen(id) {
            let expected = "a parameter that may be changed: Params::unfreeze makes it one";
            return Err(Error::parameter(format!("{:?}", params.name(id)), "frozen", expected));
        }
    }
    for (id, values) in parts() {
        let range = params.layout().entry(id)?.range();
        params.as_mut_slice()[range].copy_from_slice(values);
    }
    Ok(())
}
