//! Which paths somebody may read, as prefixes: what search has to know before it ranks.
//!
//! Rules speak of folders by name, so between the names that they use every answer is the same: one probe beneath each of them,
//! and one beneath the root, tells all. Only rules that look at arguments know more than folders. Where the arguments of the call
//! are known, they say what such a rule does. Where they are not, as for a search that finds what others read, of these a permit counts for
//! nothing; a forbid whose only condition is that arguments are `like` some patterns counts as a forbid of the folders which the
//! patterns begin with, and any other as if its condition were met: what is kept from search is rather too much.

use std::sync::Arc;

use capfile::{Target, TargetKind};
use cedar_policy::{Effect, Policy, PolicyId};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Approver, Scope};
use crate::cell::Cell;
use crate::context::{self, Facts};
use crate::method::{self, Method};
use crate::policies::{Policies, still};
use crate::question::{Principal, Question};
use crate::resource::{ROOT, Resource, path};
use crate::rule::{Known, Looks, Role};

/// The name of something beneath a folder that no rule speaks of: no path in normal form has a control character.
const PROBE: &str = "\u{1}";

impl Policies {
    /// Whether a rule looks at the arguments of this method: then where a call may work follows from its own.
    pub fn looks_at_arguments(&self, principal: Principal<'_>, method: &str) -> bool {
        self.cell(principal, method).is_some_and(|(_, cell)| cell.looks.arguments)
    }

    /// Where a call may work. Without arguments: where it may with any, by this method, now.
    ///
    /// `word`: whose word the call has. Whoever gave it was told what the call names, so that it answers the rules which ask for
    /// that, and no other: a link from there to where another rule asks leads nowhere.
    pub fn scopes(&self, question: &Question<'_>, word: Option<Approver>) -> Vec<Scope> {
        let Some((method, of_call)) = self.cell(question.principal, question.method) else {
            return Vec::new();
        };
        let arguments = match question.arguments.map(|text| method::arguments(Some(text))) {
            Some(None) => return Vec::new(),
            known => known.flatten(),
        };
        let answered = match word {
            Some(word) => self.answered(of_call, method, question, word),
            None => Vec::new(),
        };
        let open = self.rules.all.iter().filter(|known| !answered.contains(&known.rule.name));
        let rules: Vec<Known> = match &arguments {
            Some(_) => open.cloned().collect(),
            None => open.filter_map(|known| by_folder(known, method)).collect(),
        };
        let Some(cell) = self.new_cell(question.principal, method, &rules) else {
            return Vec::new();
        };
        let mut folders: Vec<String> = rules.iter().flat_map(folders).collect();
        folders.push(ROOT.to_owned());
        folders.sort_unstable();
        folders.dedup();
        // A rule may name the folder alone, and not what is beneath it, or the other way round.
        let allows = |folder: &str| {
            let beneath = format!("{}/{PROBE}", folder.trim_end_matches('/'));
            let at = |path: &str| {
                self.answer_at(&cell, (method, arguments.as_ref()), question, path) == Answer::Allow
            };
            at(folder) && at(&beneath)
        };
        let answers: Vec<(String, bool)> = folders
            .into_iter()
            .map(|folder| {
                let allowed = allows(&folder);
                (folder, allowed)
            })
            .collect();
        regions(&answers)
    }

    /// The rules that ask for a word such as this one of the call as it names things.
    fn answered(
        &self,
        cell: &Cell,
        method: &Method,
        question: &Question<'_>,
        word: Approver,
    ) -> Vec<Arc<str>> {
        let (_, each) = self.decide_call(cell, method, question);
        let matched = each.iter().filter_map(|(_, matched)| matched.as_ref());
        let forbids = matched.flat_map(|matched| &matched.forbids);
        let known = forbids.filter_map(|place| self.rules.at(*place));
        let asks =
            known.filter(|known| known.role != Role::Forbid && known.role.approver() <= word);
        asks.map(|known| Arc::clone(&known.rule.name)).collect()
    }

    /// The answer for a path in normal form.
    fn answer_at(
        &self,
        cell: &Cell,
        (method, arguments): (&Method, Option<&Map<String, Value>>),
        question: &Question<'_>,
        path: &str,
    ) -> Answer {
        let facts = Facts { moment: question.moment, still: still(question) };
        let arguments = arguments.map(|arguments| (method, arguments));
        let context = context::of_call(facts, arguments, cell.looks);
        let resource = Resource::at(&self.names, &method.server, path);
        let still = cell.still(&self.rules, facts.still, (&self.names, method));
        let matched = context.ok().and_then(|context| {
            let still = still?;
            cell.matched(&self.rules, &still, &resource, &context)
        });
        cell.judge(&self.rules, matched.as_ref()).answer
    }
}

/// The rule as far as it speaks of folders. What it does not say of them is said in its stead.
fn by_folder(known: &Known, method: &Method) -> Option<Known> {
    if !known.looks.arguments {
        return Some(known.clone());
    }
    if known.policy.effect() == Effect::Permit {
        return None;
    }
    let mut json = known.policy.to_json().ok()?;
    let conditions = json.get_mut("conditions")?;
    *conditions = match prefixes(conditions, method) {
        Some(prefixes) => json!([{ "kind": "when", "body": any_of(&prefixes) }]),
        None => json!([]),
    };
    let policy = Policy::from_json(Some(PolicyId::new(&known.rule.name)), json).ok();
    // Whatever fails here is taken as a forbid of everything, which is what the rule would be that failed on a call.
    let policy = policy.unwrap_or_else(|| known.policy.clone());
    let known = Known::new(policy, known.rule.clone(), known.role);
    Some(Known { looks: Looks { arguments: false, ..known.looks }, ..known })
}

/// The folders which the patterns begin with, if such a pattern has to fit for the conditions to be met.
fn prefixes(conditions: &Value, method: &Method) -> Option<Vec<String>> {
    let [condition] = conditions.as_array()?.as_slice() else { return None };
    let when = condition.get("kind")?.as_str()? == "when";
    if when { likes(condition.get("body")?, method) } else { None }
}

/// The same of an expression. Of `&&` either side has to be met, of `||` one of both.
fn likes(expression: &Value, method: &Method) -> Option<Vec<String>> {
    let sides = |operation: &str| {
        let operands = expression.get(operation)?;
        Some((likes(operands.get("left")?, method), likes(operands.get("right")?, method)))
    };
    if let Some((left, right)) = sides("&&") {
        return left.or(right);
    }
    if let Some((left, right)) = sides("||") {
        return Some([left?, right?].concat());
    }
    let like = expression.get("like")?;
    let argument = like.get("left").and_then(argument)?;
    let is_path = |target: &Target| target.kind == TargetKind::Path && target.argument == argument;
    if !method.works_on.iter().any(is_path) {
        return None;
    }
    let parts = like.get("pattern")?.as_array()?.iter();
    let letters: String =
        parts.map_while(|part| part.get("Literal").and_then(Value::as_str)).collect();
    let folder = letters.rsplit_once('/').map_or(ROOT, |(folder, _)| folder);
    path(folder).map(|folder| vec![folder])
}

/// The argument that an expression is.
fn argument(expression: &Value) -> Option<&str> {
    let access = expression.get(".")?;
    let of = access.get("left")?.get(".")?;
    let of_context = of.get("left")?.get("Var")?.as_str()? == "context";
    let of_arguments = of.get("attr")?.as_str()? == "arguments";
    if of_context && of_arguments { access.get("attr")?.as_str() } else { None }
}

/// `resource in` one of the folders.
fn any_of(folders: &[String]) -> Value {
    let folders = folders
        .iter()
        .map(|folder| json!({ "Value": { "__entity": { "type": "Path", "id": folder } } }));
    let folders: Vec<Value> = folders.collect();
    json!({ "in": { "left": { "Var": "resource" }, "right": { "Set": folders } } })
}

/// The paths that a rule names.
fn folders(known: &Known) -> Vec<String> {
    let literals = known.policy.entity_literals().into_iter();
    let paths = literals.filter(|uid| uid.type_name().basename() == "Path");
    paths.map(|uid| uid.id().unescaped().to_owned()).collect()
}

/// The allowed parts of the tree, from the answer beneath each folder that a rule names, the root first.
fn regions(answers: &[(String, bool)]) -> Vec<Scope> {
    let above = |folder: &str| {
        answers
            .iter()
            .filter(|(other, _)| is_beneath(folder, other))
            .max_by_key(|(name, _)| name.len())
    };
    let begins =
        |folder: &str, allowed: bool| above(folder).is_none_or(|(_, before)| *before != allowed);
    let edges = |allowed: bool| {
        let edges =
            answers.iter().filter(move |(folder, is)| *is == allowed && begins(folder, allowed));
        edges.map(|(folder, _)| folder.clone())
    };
    let scope = |allowed: String| {
        let inner: Vec<String> = edges(true).filter(|other| is_beneath(other, &allowed)).collect();
        // What lies beneath an allowed part within this one is that part's.
        let own = |folder: &String| !inner.iter().any(|part| is_beneath(folder, part));
        let except = edges(false).filter(|folder| is_beneath(folder, &allowed)).filter(own);
        Scope { except: except.collect(), allowed }
    };
    edges(true).map(scope).collect()
}

/// Whether the path is beneath the folder, and not the folder itself.
fn is_beneath(path: &str, folder: &str) -> bool {
    let rest = if folder == ROOT { path.strip_prefix(ROOT) } else { path.strip_prefix(folder) };
    rest.is_some_and(|rest| !rest.is_empty() && (folder == ROOT || rest.starts_with('/')))
}
