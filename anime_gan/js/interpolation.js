// Interpolation between faces: spherical for latent vectors, linear for labels.

// Latent vectors at a smaller angle than this, in radians, count as parallel.
const PARALLEL = 1e-4;

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const mix = (a, b, first, last) => Float32Array.from(a, (value, i) => first * value + last * b[i]);

/** Interpolates spherically; exactly `first` for 0 and `last` for 1. */
export function slerp(first, last, share) {
  if (share === 0 || share === 1) return Float32Array.from(share ? last : first);
  const norms = Math.sqrt(dot(first, first)) * Math.sqrt(dot(last, last));
  const angle = norms ? Math.acos(Math.min(Math.max(dot(first, last) / norms, -1), 1)) : 0;
  if (angle < PARALLEL || angle > Math.PI - PARALLEL) return mix(first, last, 1 - share, share);
  const sine = Math.sin(angle);
  return mix(first, last, Math.sin((1 - share) * angle) / sine, Math.sin(share * angle) / sine);
}

/** Interpolates through keyframes ({ latent, labels }) and back to the first. */
export function closedPath(keyframes, frames) {
  const count = keyframes.length;
  return Array.from({ length: frames }, (_, frame) => {
    const index = Math.floor((frame * count) / frames);
    const rest = (frame * count) % frames;
    const share = 0.5 - 0.5 * Math.cos((Math.PI * rest) / frames);
    const [from, to] = [keyframes[index], keyframes[(index + 1) % count]];
    return {
      latent: slerp(from.latent, to.latent, share),
      labels: mix(from.labels, to.labels, 1 - share, share),
    };
  });
}
