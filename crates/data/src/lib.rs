//! Data for training: [`Dataset`], its splits, scaling and batches, CSV files, and [`synthetic`] data whose truth is
//! known.
//!
//! Everything is checked where it enters: a `Dataset` has at least one row, and holds finite numbers only.
//!
//! ```
//! use wane_autodiff::{Rng, rand::SeedableRng};
//! use wane_data::{Batches, Dataset, StandardScaler};
//!
//! let csv = "age,rooms,price\n12,3,210\n40,4,180\n3,2,190\n25,5,260\n8,4,300\n";
//! let data = Dataset::<f32>::from_csv_reader(csv.as_bytes(), "price")?;
//! assert_eq!(data.feature_names(), ["age", "rooms"]);
//!
//! let mut rng = Rng::seed_from_u64(0);
//! let (train, test) = data.split(0.2, &mut rng)?;
//! let scaler = StandardScaler::fit(train.x())?; // of the training rows only
//! let (train, test) = (train.scale_x(&scaler)?, test.scale_x(&scaler)?);
//! assert_eq!((train.len(), test.len()), (4, 1));
//!
//! let mut batches = Batches::new(&train, 3)?;
//! for _ in 0..2 {
//!     let mut epoch = batches.epoch(&mut rng);
//!     while let Some(batch) = epoch.next() {
//!         assert_eq!(batch.x().nrows(), batch.y().nrows()); // 3, then 1
//!     }
//! }
//! # Ok::<(), wane_autodiff::Error>(())
//! ```

mod batches;
mod csv;
mod dataset;
mod labels;
mod scaler;
mod split;
pub mod synthetic;
mod target;
mod text;

pub use batches::{Batch, Batches, Epoch};
pub use csv::Csv;
pub use dataset::Dataset;
pub use labels::{LabelEncoder, one_hot};
pub use scaler::StandardScaler;
pub use target::Target;
pub use wane_autodiff::Classes;
