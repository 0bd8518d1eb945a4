#![doc = include_str!("../README.md")]

pub use wane_autodiff::{self as autodiff, Error, ErrorKind, ndarray, rand};
pub use wane_data as data;
#[cfg(feature = "edit")]
pub use wane_edit as edit;
pub use wane_layers as layers;
pub use wane_linear as linear;
pub use wane_optim as optim;
pub use wane_penalties as penalties;
#[cfg(feature = "search")]
pub use wane_search as search;
#[cfg(feature = "train")]
pub use wane_train as train;

/// What a training program needs, in one `use`.
pub mod prelude {
    pub use wane_autodiff::rand::SeedableRng;
    pub use wane_autodiff::{
        Activation, Classes, CrossEntropyOptions, Error, Float, Grads, Graph, Loss, LossOptions, Param, ParamId,
        Params, Penalty, Reduction, Regularizer, Rng, Scope, Tape, Threads, Var,
    };
    pub use wane_data::{Batches, Csv, Dataset, LabelEncoder, StandardScaler, one_hot};
    pub use wane_layers::{
        CustomLayer, Description, Dropout, Embedding, Init, LayerNorm, LayerNormOptions, Linear, Module, Parallel,
        Residual, RmsNorm, RmsNormOptions, Sequential,
    };
    pub use wane_optim::{
        Adagrad, AdagradOptions, Adam, AdamOptions, AdamW, AdamWOptions, Better, Cyclic, Decay, DecayKind, Ema, Group,
        Lbfgs, LbfgsOptions, LineSearch, OneCycle, Optimizer, Plateau, PlateauOptions, RmsProp, RmsPropOptions,
        Schedule, Sgd, SgdL1, SgdL1Options, SgdOptions, clip_grad_norm, clip_grad_value,
    };
    pub use wane_penalties::{
        Bounds, ElasticNet, GroupLasso, L0, L1, L2, MaxNorm, NonNegative, Prox, SparseGroupLasso, Step,
    };
    #[cfg(feature = "train")]
    pub use wane_train::{
        Advance, Checkpoint, ConfusionMatrix, EarlyStopping, Evaluation, Every, History, Metric, ModelCard, Monitor,
        OtherPrecision, Predictor, Stop, Trainer, TrainerOptions, confusion_matrix, load_model, load_model_with,
        load_safetensors, save_model, save_safetensors,
    };
}
