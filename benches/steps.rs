//! So many steps of a workload and nothing else, to count instructions of: `benches/instructions` runs it.
#![allow(missing_docs, unreachable_pub, reason = "a program")]

#[allow(dead_code, reason = "shared with other benches")]
mod workloads;

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    // `cargo bench` and `cargo test --benches` run every bench without arguments.
    let Some(name) = args.next() else { return };
    let steps: u64 = args.next().and_then(|steps| steps.parse().ok()).expect("a workload and a number of steps");
    let all = [workloads::W1, workloads::W2, workloads::W3, workloads::W4];
    let Some(workload) = all.into_iter().find(|workload| workload.name == name) else {
        panic!("{name} is not among W1, W2, W3, W4")
    };
    let mut training = workload.build();
    for _ in 0..steps {
        training.step();
    }
}
