{
  description = "llmbasedos: what a person has, for every MCP client";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    crane.url = "github:ipetkov/crane";
    rust-overlay = {
      url = "github:oxalica/rust-overlay";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs = {
    self,
    nixpkgs,
    crane,
    rust-overlay,
    ...
  }: let
    system = "x86_64-linux";
    pkgs = import nixpkgs {
      inherit system;
      overlays = [rust-overlay.overlays.default];
    };
    toolchain = import ./nix/toolchain.nix {inherit pkgs;};
    craneLib = (crane.mkLib pkgs).overrideToolchain toolchain;
    outputs = import ./nix {
      inherit pkgs craneLib;
      epoch = self.lastModified;
    };
  in {
    packages.${system} = outputs.packages;
    checks.${system} = outputs.checks;
    apps.${system} = outputs.apps;
    devShells.${system}.default = outputs.shell;
  };
}
