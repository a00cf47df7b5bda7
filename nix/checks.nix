# The parts of `cargo xtask test`, which is what `.ci/run` calls, one by one and in their order. A sandbox of Nix has no network
# and no root, so these parts are not here; `.ci/run` has them:
#
#   tools, advisories   fetch what they need
#   fuzz                its runtime is built for a compiler's insides that `minimal` does not have
#   conformance         the official suite is a package of npm
#   units, vm           Debian's systemd and QEMU, from its mirror; and pacman, which wants root
#   nix                 it would be this, within itself
{
  pkgs,
  craneLib,
  source,
}: let
  common = {
    src = source;
    strictDeps = true;
    pname = "llmbasedos";
    version = "0.1.0";
    CARGO_PROFILE = "ci";
  };
  dependencies = craneLib.buildDepsOnly common;
  built =
    common
    // {
      cargoArtifacts = dependencies;
    };
in {
  fmt = craneLib.cargoFmt common;
  # It asks Cargo about the workspace, which needs no network.
  tidy = craneLib.mkCargoDerivation (
    built
    // {
      pnameSuffix = "-tidy";
      buildPhaseCargoCommand = "cargo run --offline --locked --package xtask -- tidy";
      doInstallCargoArtifacts = false;
    }
  );
  deny = craneLib.cargoDeny (
    common
    // {
      cargoDenyChecks = "licenses bans sources";
      cargoDenyExtraArgs = "--config .cargo/deny.toml";
    }
  );
  clippy = craneLib.cargoClippy (
    built
    // {
      cargoClippyExtraArgs = "--workspace --all-targets -- -D warnings";
    }
  );
  docs = craneLib.cargoDoc (
    built
    // {
      cargoDocExtraArgs = "--workspace --document-private-items --no-deps";
      RUSTDOCFLAGS = "-D warnings";
    }
  );
  build = craneLib.cargoBuild (
    built
    // {
      cargoExtraArgs = "--locked --workspace --lib --bins --tests --examples";
    }
  );
  doctests = craneLib.cargoDocTest (built // {cargoExtraArgs = "--locked --workspace";});
  # Those that need nothing from the tools folder; a test that does would say so and fail.
  tests = craneLib.cargoNextest (
    built
    // {
      nativeBuildInputs = [pkgs.git];
      cargoNextestExtraArgs = "--workspace --lib";
    }
  );
}
