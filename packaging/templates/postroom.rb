# For a tap of Homebrew: builds from the crate, on macOS and Linux.
class Postroom < Formula
  desc "Send every school its own report, once, and prove it"
  homepage "@HOMEPAGE@"
  url "@DOWNLOADS@/postroom-@VERSION@.crate", using: :nounzip
  sha256 "@SHA256 postroom-@VERSION@.crate@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "tar", "-xzf", "postroom-#{version}.crate", "--strip-components=1"
    system "cargo", "install", *std_cargo_args
    generate_completions_from_executable(bin/"postroom", "completions", shells: [:bash, :zsh, :fish])
    system bin/"postroom", "man", buildpath/"man"
    man1.install Dir["man/*.1"]
  end

  test do
    system bin/"postroom", "init", testpath/"batch"
    system bin/"postroom", "check", testpath/"batch"
  end
end
