//! The PyTorch snippet that everyone starts from, line for line: a 10-5-2 MLP, mean squared error, Adam with
//! `weight_decay`, 100 epochs.
//!
//! ```python
//! class Net(nn.Module):
//!     def __init__(self):
//!         super().__init__()
//!         self.fc1 = nn.Linear(10, 5)
//!         self.fc2 = nn.Linear(5, 2)
//!     def forward(self, x):
//!         return self.fc2(torch.relu(self.fc1(x)))
//!
//! model = Net()
//! criterion = nn.MSELoss()
//! optimizer = optim.Adam(model.parameters(), lr=0.001, weight_decay=0.01)
//! for epoch in range(100):
//!     optimizer.zero_grad()
//!     outputs = model(inputs)
//!     loss = criterion(outputs, labels)
//!     loss.backward()
//!     optimizer.step()
//! ```

use wane::ndarray::Array2;
use wane::prelude::*;
use wane::rand::RngExt;

fn main() -> Result<(), Error> {
    let mut rng = Rng::seed_from_u64(42);
    let inputs = Array2::from_shape_simple_fn((64, 10), || rng.random_range(-1.0_f32..1.0));
    let labels = Array2::from_shape_simple_fn((64, 2), || rng.random_range(-1.0_f32..1.0));

    let mut params = Params::new();
    let model = Sequential::new().linear(10, 5).relu().linear(5, 2).build(params.root(), &mut rng)?;
    let options = AdamOptions { lr: 0.001, weight_decay: 0.01, ..Default::default() };
    let mut optimizer = Adam::new(options)?.group(Group::all(&params))?;
    print!("{}", model.summary());

    let norm = |params: &Params<f32>| params.as_slice().iter().map(|w| w * w).sum::<f32>().sqrt();
    println!("\nepoch   loss      ‖weights‖");
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    for epoch in 1..=100 {
        let graph = tape.record(&params);
        let outputs = model.forward(graph.input(&inputs));
        let loss = outputs.mse_loss(graph.input(&labels));
        loss.backward(&mut grads);
        let loss = loss.item();
        optimizer.step(&mut params, &grads)?;
        if epoch == 1 || epoch % 10 == 0 {
            println!("{epoch:>5}   {loss:.6}  {:.4}", norm(&params));
        }
    }
    Ok(())
}
