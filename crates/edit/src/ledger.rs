use crate::checksum::Checksum;
use crate::edit::{Edit, write};
use crate::memories::Table;
use crate::{Editor, Memories, Wanted};
use serde::{Deserialize, Serialize};
use std::path::Path;
use wane_autodiff::ndarray::ArrayView2;
use wane_autodiff::{Error, Float, Params};
use wane_train::file;

const KIND: &str = "edit ledger";

/// Edits of one layer, one after the other, of which each can be taken back.
///
/// An edit that is solved for alone moves the keys of those before it. A ledger keeps all keys and values, and with each
/// further edit solves for all of them at once, from the original weights W₀, which it holds: the weights are round(W₀ + UVᵀ)
/// at any time, whatever was edited and undone on the way, to the bit. Without edits they are W₀.
#[derive(Clone, Debug)]
pub struct Ledger<'m, T> {
    editor: Editor<'m, T>,
    weight: Vec<T>,
    bias: Option<Vec<T>>,
    groups: Vec<Memories>,
    total: Option<Edit>,
    /// The checksum of the weights as they were written last.
    written: u32,
}

/// As a file has it.
#[derive(Serialize, Deserialize)]
struct Saved {
    layer: String,
    dtype: String,
    weight: Vec<f64>,
    bias: Option<Vec<f64>>,
    groups: Vec<(Table, Table)>,
}

impl<'m, T: Float> Ledger<'m, T> {
    pub(crate) fn new(editor: Editor<'m, T>, params: &Params<T>) -> Result<Self, Error> {
        let (weight, bias) = editor.site().parameters(params)?;
        let (weight, bias) = (weight.to_vec(), bias.map(<[T]>::to_vec));
        let written = Checksum::of_layer(&weight, bias.as_deref());
        Ok(Self { editor, weight, bias, groups: Vec::new(), total: None, written })
    }

    /// What makes its edits.
    pub fn editor(&self) -> &Editor<'m, T> {
        &self.editor
    }

    /// What was edited, in order: a group of keys and values for each call that did.
    pub fn groups(&self) -> &[Memories] {
        &self.groups
    }

    /// All edits as one, for the original weights; `None` without any.
    pub fn total(&self) -> Option<&Edit> {
        self.total.as_ref()
    }

    /// Edits the model so that it does what is wanted for each row of x, and keeps all that was edited before. Values are
    /// chosen from where the original weights have them.
    ///
    /// # Errors
    /// Those of [`Editor::edit`], over all keys; weights that were changed otherwise since the ledger wrote them; frozen
    /// ones. Then nothing is changed.
    pub fn edit(
        &mut self,
        params: &mut Params<T>,
        x: ArrayView2<'_, T>,
        wanted: Wanted<'_, T>,
    ) -> Result<&Edit, Error> {
        let original = self.original(params)?;
        let keys = self.editor.site().keys(&original, x)?;
        let memories = self.editor.choose(&original, keys.view(), wanted)?;
        self.push(params, memories)
    }

    /// Sends further keys to their values, and keeps all that was edited before.
    ///
    /// # Errors
    /// As [`edit`](Self::edit).
    pub fn push(&mut self, params: &mut Params<T>, memories: Memories) -> Result<&Edit, Error> {
        self.editor.stats().check(self.editor.site(), params)?;
        let mut groups = self.groups.clone();
        groups.push(memories);
        self.rewrite(params, groups)?;
        Ok(self.total.as_ref().expect("there is a group"))
    }

    /// Takes in the keys and values of an edit, such as one from a file, that was made for the original weights.
    ///
    /// # Errors
    /// As [`edit`](Self::edit); an edit that was made for another layer or other weights.
    pub fn adopt(&mut self, params: &mut Params<T>, edit: &Edit) -> Result<&Edit, Error> {
        if edit.layer() != self.editor.site().name() {
            let expected = format!("{:?}, which the ledger is of", self.editor.site().name());
            return Err(Error::parameter("layer of the edit", format!("{:?}", edit.layer()), expected));
        }
        edit.check_base(Checksum::of_layer(&self.weight, self.bias.as_deref()))?;
        self.push(params, edit.memories().clone())
    }

    /// Takes back the last group, and gives it; `None` if there is none.
    ///
    /// # Errors
    /// Weights that were changed otherwise since the ledger wrote them; frozen ones. Then nothing is changed.
    pub fn undo(&mut self, params: &mut Params<T>) -> Result<Option<Memories>, Error> {
        match self.groups.len() {
            0 => Ok(None),
            len => self.remove(params, len - 1).map(Some),
        }
    }

    /// Takes back one of the groups, and gives it.
    ///
    /// # Errors
    /// As [`undo`](Self::undo); a number beyond the last.
    pub fn remove(&mut self, params: &mut Params<T>, group: usize) -> Result<Memories, Error> {
        if group >= self.groups.len() {
            return Err(Error::option("group", group, format!("a number below {}", self.groups.len())));
        }
        let mut groups = self.groups.clone();
        let removed = groups.remove(group);
        self.rewrite(params, groups)?;
        Ok(removed)
    }

    /// Takes back all groups: the weights are the original ones.
    ///
    /// # Errors
    /// As [`undo`](Self::undo).
    pub fn clear(&mut self, params: &mut Params<T>) -> Result<(), Error> {
        self.rewrite(params, Vec::new())
    }

    /// Writes the ledger, the original weights with it, to a wane file.
    ///
    /// # Errors
    /// A folder or disk that cannot be written to: then the old file is as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let widened = |values: &Vec<T>| values.iter().map(|value| value.widen()).collect();
        let saved = Saved {
            layer: self.editor.site().name().to_owned(),
            dtype: T::NAME.to_owned(),
            weight: widened(&self.weight),
            bias: self.bias.as_ref().map(widened),
            groups: self.groups.iter().map(|group| (Table::of(group.keys()), Table::of(group.values()))).collect(),
        };
        file::write(path.as_ref(), KIND, &saved)
    }

    /// Reads what [`save`](Self::save) wrote, for parameters that hold either the original weights or the edited ones, with
    /// an editor as that ledger's; they hold the edited ones then.
    ///
    /// # Errors
    /// A file that is not there or damaged; a ledger of another layer, or whose weights are neither; those of
    /// [`push`](Self::push). Then nothing is changed.
    pub fn load(path: impl AsRef<Path>, editor: Editor<'m, T>, params: &mut Params<T>) -> Result<Self, Error> {
        let path = path.as_ref();
        let saved = file::read::<Saved>(path, KIND)?;
        Self::from_saved(saved, editor, params).map_err(|error| error.within(format!("{path:?}")))
    }

    fn from_saved(saved: Saved, editor: Editor<'m, T>, params: &mut Params<T>) -> Result<Self, Error> {
        let site = editor.site();
        if (&*saved.layer, &*saved.dtype) != (site.name(), T::NAME) {
            let (given, expected) =
                (format!("{:?}, {}", saved.layer, saved.dtype), format!("{:?}, {}", site.name(), T::NAME));
            return Err(Error::parameter("layer of the ledger", given, expected));
        }
        let current = site.checksum(params)?;
        let (weight, bias) = site.parameters(params)?;
        let lengths = (weight.len(), bias.map(<[T]>::len));
        if (saved.weight.len(), saved.bias.as_ref().map(Vec::len)) != lengths {
            let given = format!("{} and {}", saved.weight.len(), saved.bias.as_ref().map_or(0, Vec::len));
            let expected = format!("{} and {}", lengths.0, lengths.1.unwrap_or(0));
            return Err(Error::parameter("number of weights and biases in the ledger", given, expected));
        }
        let narrowed = |values: Vec<f64>| values.into_iter().map(T::of).collect::<Vec<T>>();
        let (weight, bias) = (narrowed(saved.weight), saved.bias.map(narrowed));
        let read = |(keys, values): (Table, Table)| Memories::new(keys.matrix("keys")?, values.matrix("values")?);
        let groups = saved.groups.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let original = Checksum::of_layer(&weight, bias.as_deref());
        let mut ledger = Self { editor, weight, bias, groups: Vec::new(), total: None, written: current };
        let (total, weight, bias) = ledger.solve(params, &groups)?;
        let edited = Checksum::of_layer(&weight, bias.as_deref());
        if current != original && current != edited {
            let expected = format!("{original:08x} or {edited:08x}: the ledger's, without its edits and with them");
            let field = format!("checksum of {:?} and its bias", saved.layer);
            return Err(Error::parameter(field, format!("{current:08x}"), expected));
        }
        ledger.commit(params, groups, (total, weight, bias))?;
        Ok(ledger)
    }

    /// Solves for `groups` and writes the weights.
    fn rewrite(&mut self, params: &mut Params<T>, groups: Vec<Memories>) -> Result<(), Error> {
        let current = self.editor.site().checksum(params)?;
        if current != self.written {
            let field = format!("checksum of {:?} and its bias", self.editor.site().name());
            let expected = format!("{:08x}, as the ledger has written them", self.written);
            return Err(Error::parameter(field, format!("{current:08x}"), expected));
        }
        let solved = self.solve(params, &groups)?;
        self.commit(params, groups, solved)
    }

    #[expect(clippy::type_complexity, reason = "an edit and the weights after it")]
    fn solve(&self, params: &Params<T>, groups: &[Memories]) -> Result<(Option<Edit>, Vec<T>, Option<Vec<T>>), Error> {
        let widths = self.editor.site().linear().widths();
        groups.iter().try_for_each(|group| group.check(widths))?;
        let Some(memories) = Memories::joined(groups.iter()) else {
            return Ok((None, self.weight.clone(), self.bias.clone()));
        };
        let edit = self.editor.solve_again(&self.original(params)?, memories)?;
        let (weight, bias) = edit.applied(&self.weight, self.bias.as_deref())?;
        Ok((Some(edit), weight, bias))
    }

    fn commit(
        &mut self,
        params: &mut Params<T>,
        groups: Vec<Memories>,
        (total, weight, bias): (Option<Edit>, Vec<T>, Option<Vec<T>>),
    ) -> Result<(), Error> {
        self.put(params, &weight, bias.as_deref())?;
        self.written = Checksum::of_layer(&weight, bias.as_deref());
        (self.groups, self.total) = (groups, total);
        Ok(())
    }

    /// The parameters with the original weights.
    fn original(&self, params: &Params<T>) -> Result<Params<T>, Error> {
        let mut original = params.clone();
        original.unfreeze(&params.ids())?;
        self.put(&mut original, &self.weight, self.bias.as_deref())?;
        Ok(original)
    }

    fn put(&self, params: &mut Params<T>, weight: &[T], bias: Option<&[T]>) -> Result<(), Error> {
        let linear = self.editor.site().linear();
        let bias = linear.bias().filter(|_| self.editor.options().bias).zip(bias);
        write(params, (linear.weight(), weight), bias)
    }
}
