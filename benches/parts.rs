//! Benches of the parts: parse, resolve, plan, render.
fn main() {
    divan::main();
}
