/** The hold ring: frames of pending buckets and of ending keeps, in order of arrival, bounded in frames and bytes. */

export interface HeldFrame {
  readonly frame: Uint8Array;
  readonly plan: number;
  /** Changes with the hash seed. */
  bucket: number;
  readonly keyText: string;
}

export class HoldRing {
  private frames: HeldFrame[] = [];
  private bytes = 0;

  constructor(
    private readonly maxFrames: number,
    private readonly maxBytes: number,
  ) {}

  get size(): number {
    return this.frames.length;
  }

  /** Takes a copy of the frame. False: there is no room, the frame is lost. */
  push(held: HeldFrame): boolean {
    if (this.frames.length >= this.maxFrames || this.bytes + held.frame.length > this.maxBytes) return false;
    this.frames.push({ ...held, frame: held.frame.slice() });
    this.bytes += held.frame.length;
    return true;
  }

  /**
   * Goes through all frames in order of arrival; those for which `staysHeld` is false leave the ring. Frames pushed
   * meanwhile come behind those that stay.
   */
  settle(staysHeld: (held: HeldFrame) => boolean): void {
    if (this.frames.length === 0) return;
    const before = this.frames;
    this.frames = [];
    const staying = before.filter(staysHeld);
    this.frames = staying.concat(this.frames);
    this.bytes = this.frames.reduce((sum, { frame }) => sum + frame.length, 0);
  }

  /** Empties the ring and says how many frames were in it. */
  clear(): number {
    const count = this.frames.length;
    this.frames = [];
    this.bytes = 0;
    return count;
  }
}
