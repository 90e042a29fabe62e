//! The order of a plan as a picture: DOT, Mermaid, or SVG without any other program. It has the actions and nothing else:
//! what is held or remarked on has no place in an order, and its words come from anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use crate::model::plan::{ActionId, Plan, Step};

use super::ranges::ranges_to;
use super::view::View;

/// A format for the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GraphFormat {
    /// Graphviz.
    Dot,
    /// Mermaid, which code forges draw inside Markdown.
    Mermaid,
    /// A picture for a browser.
    Svg,
}

impl GraphFormat {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Dot, Self::Mermaid, Self::Svg];

    /// Returns the word for `--format`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dot => "dot",
            Self::Mermaid => "mermaid",
            Self::Svg => "svg",
        }
    }
}

/// Writes the graph of a plan's actions; arrows point to what runs later.
pub fn write_graph(out: &mut dyn Write, plan: &Plan, format: GraphFormat) -> fmt::Result {
    let graph = Graph::of(plan);
    match format {
        GraphFormat::Dot => write_dot(out, &graph),
        GraphFormat::Mermaid => write_mermaid(out, &graph),
        GraphFormat::Svg => write_svg(out, &graph),
    }
}

/// Boxes with labels and arrows between them, by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// What the boxes are.
    pub nodes: Vec<Node>,
    /// From the earlier to the later.
    pub edges: BTreeSet<(usize, usize)>,
}

/// One box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its text: addresses and a verb, which are plain by construction.
    pub label: String,
    /// What is done.
    pub step: Step,
}

impl Graph {
    /// Returns one box per action.
    pub fn of(plan: &Plan) -> Self {
        let numbers: BTreeMap<&ActionId, usize> = plan.actions.keys().zip(0..).collect();
        let nodes = plan
            .actions
            .keys()
            .map(|action| Node { label: format!("{} {}", action.address, action.step), step: action.step });
        let edge = |(first, then): &(ActionId, ActionId)| Some((*numbers.get(first)?, *numbers.get(then)?));
        Self { nodes: nodes.collect(), edges: plan.edges.iter().filter_map(edge).collect() }
    }

    /// Returns a graph with one box per group and step.
    pub(super) fn grouped(view: &View<'_>) -> Self {
        let mut nodes = Vec::new();
        let mut box_of = BTreeMap::new();
        for group in &view.groups {
            let name = ranges_to(group.addresses.iter().copied(), 60);
            for (id, _) in &group.each.steps {
                for address in &group.addresses {
                    box_of.insert(((*address).clone(), id.step), nodes.len());
                }
                nodes.push(Node { label: format!("{name} {}", id.step), step: id.step });
            }
        }
        let edges = view.plan.edges.iter().filter_map(|(first, then)| {
            let first = box_of.get(&(first.address.clone(), first.step))?;
            let then = box_of.get(&(then.address.clone(), then.step))?;
            (first != then).then_some((*first, *then))
        });
        Self { edges: edges.collect(), nodes }
    }
}

fn write_dot(out: &mut dyn Write, graph: &Graph) -> fmt::Result {
    writeln!(out, "digraph plan {{\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];")?;
    for (number, Node { label, step }) in graph.nodes.iter().enumerate() {
        writeln!(out, "  n{number} [label=\"{label}\", color=\"{}\"];", stroke(*step))?;
    }
    for (first, then) in &graph.edges {
        writeln!(out, "  n{first} -> n{then};")?;
    }
    writeln!(out, "}}")
}

/// Writes a graph in Mermaid's language.
pub fn write_mermaid(out: &mut dyn Write, graph: &Graph) -> fmt::Result {
    writeln!(out, "graph LR")?;
    for (number, Node { label, step: _ }) in graph.nodes.iter().enumerate() {
        writeln!(out, "  n{number}[\"{label}\"]")?;
    }
    for (first, then) in &graph.edges {
        writeln!(out, "  n{first} --> n{then}")?;
    }
    Ok(())
}

fn stroke(step: Step) -> &'static str {
    match step {
        Step::Create | Step::Start => "#1a7f37",
        Step::Update => "#9a6700",
        Step::Stop => "#57606a",
        Step::Delete | Step::DeleteDeposed => "#cf222e",
        Step::Move | Step::Adopt | Step::Record | Step::Forget | Step::Ready | Step::Await => "#8c959f",
    }
}

const BOX_HEIGHT: usize = 32;
const ROW: usize = 48;
const GAP: usize = 64;
const MARGIN: usize = 16;
const CHARACTER: usize = 8;

fn write_svg(out: &mut dyn Write, graph: &Graph) -> fmt::Result {
    let layers = layers(graph);
    let layer_width = |layer: &Vec<usize>| {
        let longest = layer.iter().map(|&node| graph.nodes[node].label.chars().count()).max();
        longest.unwrap_or(0) * CHARACTER + 2 * CHARACTER
    };
    let widths: Vec<usize> = layers.iter().map(layer_width).collect();
    let mut places: BTreeMap<usize, Place> = BTreeMap::new();
    let mut x = MARGIN;
    for (layer, width) in layers.iter().zip(&widths) {
        for (row, &node) in layer.iter().enumerate() {
            places.insert(node, Place { x, y: MARGIN + row * ROW, width: *width });
        }
        x += width + GAP;
    }
    let rows = layers.iter().map(Vec::len).max().unwrap_or(0);
    let width = (x + MARGIN).saturating_sub(GAP).max(2 * MARGIN);
    let height = 2 * MARGIN + (rows * ROW).saturating_sub(ROW - BOX_HEIGHT);
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"13\">"
    )?;
    writeln!(
        out,
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#57606a\"/></marker></defs>"
    )?;
    for (first, then) in &graph.edges {
        if let (Some(from), Some(to)) = (places.get(first), places.get(then)) {
            write_arrow(out, *from, *to)?;
        }
    }
    for (number, Node { label, step }) in graph.nodes.iter().enumerate() {
        if let Some(place) = places.get(&number) {
            write_box(out, *place, label, *step)?;
        }
    }
    writeln!(out, "</svg>")
}

#[derive(Clone, Copy, Debug)]
struct Place {
    x: usize,
    y: usize,
    width: usize,
}

fn write_arrow(out: &mut dyn Write, from: Place, to: Place) -> fmt::Result {
    let (x1, y1) = (from.x + from.width, from.y + BOX_HEIGHT / 2);
    let (x2, y2) = (to.x, to.y + BOX_HEIGHT / 2);
    let middle = x1.midpoint(x2);
    writeln!(
        out,
        "<path d=\"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#57606a\" \
         marker-end=\"url(#tip)\"/>"
    )
}

fn write_box(out: &mut dyn Write, place: Place, label: &str, step: Step) -> fmt::Result {
    let Place { x, y, width } = place;
    let (text_x, text_y) = (x + CHARACTER, y + BOX_HEIGHT / 2 + 4);
    writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BOX_HEIGHT}\" rx=\"4\" fill=\"#ffffff\" \
         stroke=\"{}\"/><text x=\"{text_x}\" y=\"{text_y}\">{label}</text>",
        stroke(step)
    )
}

/// Puts each box one layer after the last of its predecessors, and in a layer near them, so that arrows stay short.
fn layers(graph: &Graph) -> Vec<Vec<usize>> {
    let layer_of = longest_paths(graph);
    let mut layers: Vec<Vec<usize>> = Vec::new();
    for (node, &layer) in layer_of.iter().enumerate() {
        if layers.len() <= layer {
            layers.resize_with(layer + 1, Vec::new);
        }
        layers[layer].push(node);
    }
    let mut before: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (first, then) in &graph.edges {
        before.entry(*then).or_default().push(*first);
    }
    let mut row_of = vec![0; graph.nodes.len()];
    for layer in &mut layers {
        let center = |node: &usize| {
            let rows =
                before.get(node).map(|nodes| nodes.iter().map(|&first| row_of[first]).collect::<Vec<_>>());
            rows.map_or((1, 0), |rows: Vec<usize>| {
                (0, rows.iter().sum::<usize>() * 1_000 / rows.len().max(1))
            })
        };
        layer.sort_by_cached_key(|node| (center(node), *node));
        for (row, &node) in layer.iter().enumerate() {
            row_of[node] = row;
        }
    }
    layers
}

/// Returns for each box the length of the longest path to it. Boxes on a cycle, which no plan has, stay in front.
fn longest_paths(graph: &Graph) -> Vec<usize> {
    let mut waiting = vec![0_usize; graph.nodes.len()];
    let mut after: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (first, then) in &graph.edges {
        waiting[*then] += 1;
        after.entry(*first).or_default().push(*then);
    }
    let mut layer_of = vec![0; graph.nodes.len()];
    let mut ready: Vec<usize> = (0..graph.nodes.len()).filter(|&node| waiting[node] == 0).collect();
    while let Some(node) = ready.pop() {
        for &next in after.get(&node).map_or(&[][..], Vec::as_slice) {
            layer_of[next] = layer_of[next].max(layer_of[node] + 1);
            waiting[next] -= 1;
            if waiting[next] == 0 {
                ready.push(next);
            }
        }
    }
    layer_of
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    fn drawn(format: GraphFormat) -> String {
        let mut plan = sample::full_plan();
        let linked: BTreeSet<ActionId> =
            plan.edges.iter().flat_map(|(first, then)| [first.clone(), then.clone()]).collect();
        plan.actions.retain(|action, _| linked.contains(action));
        let mut out = String::new();
        write_graph(&mut out, &plan, format).unwrap();
        out
    }

    #[test]
    fn dot_has_a_box_per_action() {
        insta::assert_snapshot!(drawn(GraphFormat::Dot), @r##"
        digraph plan {
          rankdir=LR;
          node [shape=box, fontname="sans-serif"];
          n0 [label="volume.fresh create", color="#1a7f37"];
          n1 [label="volume.models update", color="#9a6700"];
          n2 [label="volume.old delete", color="#cf222e"];
          n3 [label="llm[0] update", color="#9a6700"];
          n4 [label="llm[3] delete", color="#cf222e"];
          n5 [label="new create", color="#1a7f37"];
          n6 [label="swap delete", color="#cf222e"];
          n7 [label="swap create", color="#1a7f37"];
          n8 [label="swift delete", color="#cf222e"];
          n9 [label="swift create", color="#1a7f37"];
          n0 -> n5;
          n1 -> n3;
          n4 -> n2;
          n6 -> n7;
          n9 -> n8;
        }
        "##);
    }

    #[test]
    fn mermaid_has_a_box_per_action() {
        insta::assert_snapshot!(drawn(GraphFormat::Mermaid), @r#"
        graph LR
          n0["volume.fresh create"]
          n1["volume.models update"]
          n2["volume.old delete"]
          n3["llm[0] update"]
          n4["llm[3] delete"]
          n5["new create"]
          n6["swap delete"]
          n7["swap create"]
          n8["swift delete"]
          n9["swift create"]
          n0 --> n5
          n1 --> n3
          n4 --> n2
          n6 --> n7
          n9 --> n8
        "#);
    }

    #[test]
    fn svg_lays_boxes_in_layers() {
        insta::assert_snapshot!(drawn(GraphFormat::Svg), @r##"
        <svg xmlns="http://www.w3.org/2000/svg" width="424" height="256" viewBox="0 0 424 256" font-family="monospace" font-size="13">
        <defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>
        <path d="M192 32C224 32 224 32 256 32" fill="none" stroke="#57606a" marker-end="url(#tip)"/>
        <path d="M192 80C224 80 224 80 256 80" fill="none" stroke="#57606a" marker-end="url(#tip)"/>
        <path d="M192 128C224 128 224 128 256 128" fill="none" stroke="#57606a" marker-end="url(#tip)"/>
        <path d="M192 176C224 176 224 176 256 176" fill="none" stroke="#57606a" marker-end="url(#tip)"/>
        <path d="M192 224C224 224 224 224 256 224" fill="none" stroke="#57606a" marker-end="url(#tip)"/>
        <rect x="16" y="16" width="176" height="32" rx="4" fill="#ffffff" stroke="#1a7f37"/><text x="24" y="36">volume.fresh create</text>
        <rect x="16" y="64" width="176" height="32" rx="4" fill="#ffffff" stroke="#9a6700"/><text x="24" y="84">volume.models update</text>
        <rect x="256" y="112" width="152" height="32" rx="4" fill="#ffffff" stroke="#cf222e"/><text x="264" y="132">volume.old delete</text>
        <rect x="256" y="64" width="152" height="32" rx="4" fill="#ffffff" stroke="#9a6700"/><text x="264" y="84">llm[0] update</text>
        <rect x="16" y="112" width="176" height="32" rx="4" fill="#ffffff" stroke="#cf222e"/><text x="24" y="132">llm[3] delete</text>
        <rect x="256" y="16" width="152" height="32" rx="4" fill="#ffffff" stroke="#1a7f37"/><text x="264" y="36">new create</text>
        <rect x="16" y="160" width="176" height="32" rx="4" fill="#ffffff" stroke="#cf222e"/><text x="24" y="180">swap delete</text>
        <rect x="256" y="160" width="152" height="32" rx="4" fill="#ffffff" stroke="#1a7f37"/><text x="264" y="180">swap create</text>
        <rect x="256" y="208" width="152" height="32" rx="4" fill="#ffffff" stroke="#cf222e"/><text x="264" y="228">swift delete</text>
        <rect x="16" y="208" width="176" height="32" rx="4" fill="#ffffff" stroke="#1a7f37"/><text x="24" y="228">swift create</text>
        </svg>
        "##);
    }

    #[test]
    fn an_empty_plan_and_a_large_one_are_drawn() {
        for plan in [sample::empty_plan(), sample::alike_plan(2_000)] {
            for format in GraphFormat::ALL {
                let mut out = String::new();
                write_graph(&mut out, &plan, format).unwrap();
                assert!(out.lines().count() >= plan.actions.len());
            }
        }
    }
}
