//! Replays reference values that other programs wrote, through wane's public API, and says how far wane is from them.
//!
//! A file is a JSON object whose `kind` (or, where it has none, whose name up to the first hyphen) says what it holds:
//!
//! | kind | holds | tolerance |
//! |---|---|---|
//! | `optimizer` | gradients given, and PyTorch's parameters after every step | float64: 1e-14 relative + 1e-15 absolute; float32: 1e-6 + 1e-7 |
//! | `training` | an MLP, and PyTorch's loss of every step and final parameters | 1e-12 relative + 1e-14 absolute |
//! | `schedule` | a scheduler, and PyTorch's learning rate at every epoch | 1e-12 relative |
//! | `elastic` | elastic nets and ridges of one linear model, and scikit-learn's solutions | coefficients 1e-6 absolute; objective and degrees of freedom 1e-9; the support equal; duality gap 1e-10 of ‖y − ȳ‖²/n |
//! | `pruner` | a table of intermediate values, and the step at which Optuna pruned each trial | the steps equal |
//! | `optuna` | the trials that Optuna reads from the journal file beside it | none |
//! | `parzen` | Parzen estimators over several kinds of parameters, and Optuna's log densities | log densities 1e-12 absolute; weights equal |
//! | `k` | rows divided into folds, and scikit-learn's test folds | equal |
//! | `grid` | alphas of ridge on the diabetes data, and the scores of scikit-learn's `GridSearchCV` | scores 1e-8 relative; ranks and the best alpha equal |
//! | `edit` | keys and values of a linear layer, and a KKT solver's edits of its weight, and of its bias too | 1e-9 relative + 1e-12 of the largest in the array |
//!
//! `golden` holds the vendored files and `golden.py`, which wrote most of them with PyTorch 2.15:
//! `python golden.py OUT_DIR 0`; another seed gives other settings, shapes and data in the same format. RMSprop, Adagrad
//! and further schedules come from `scripts/torch_optim.py`, and elastic nets from `penalty_golden.py` with scikit-learn 1.9,
//! Parzen estimators, grid searches and the journal from `search_golden.py` with Optuna 5.0, pruners from it and
//! `scripts/optuna_pruners.py`, edits from `edit_golden.py` with NumPy. All are called alike.
//!
//! # What keeps the last traces from the same bits
//!
//! Of 37 float64 optimizer traces 34 agree bit for bit. In `optimizer-adamw-default-decay` and two of RMSprop a value or
//! two of 312 differ in the last bit: PyTorch takes √v for four numbers at once, by a vector library whose square root is
//! not correctly rounded, where wane's is. The float32 traces of these optimizers differ for the same reason. Training
//! runs differ in the order in which a product's terms are added.

mod compare;
mod edit;
mod elastic;
mod folds;
mod grid;
mod journal;
mod model;
mod optimizer;
mod parzen;
mod pruner;
mod report;
mod schedule;
mod tensor;
mod training;

pub use compare::{Difference, Tolerance};
pub use report::{Outcome, Replay, Report};

/// Why a file could not be replayed, in words.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
