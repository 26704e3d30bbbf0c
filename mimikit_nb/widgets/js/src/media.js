// The sound: a media element that loads when it is first needed, and the clock that follows it.

const players = (window.mimikitNbPlayers ??= new Set());

export class Media {
  /** @param source () => Promise<{url, fallback}>: where the sound is, asked for once. */
  constructor(duration, ask, url) {
    this.duration = duration;
    this.ask = ask;
    this.url = url;
    this.element = new Audio();
    this.element.preload = "none";
    this.loaded = null;
    this.region = null;
    this.pending = 0;
    this.emitter = null;
    this.onFrame = () => {};
    this.onError = () => {};
    for (const type of ["playing", "pause", "seeked", "ended"])
      this.element.addEventListener(type, () => this.#emit(type));
    this.element.addEventListener("timeupdate", () => this.#frame());
    players.add(this);
  }

  // --- what peaks.js asks of a player -----------------------------------------------------------
  init(emitter) {
    this.emitter = emitter;
    return Promise.resolve();
  }
  isPlaying() {
    return !this.element.paused;
  }
  isSeeking() {
    return this.element.seeking;
  }
  getCurrentTime() {
    return this.element.readyState > 0 ? this.element.currentTime : this.pending;
  }
  getDuration() {
    return this.duration;
  }
  seek(time) {
    this.pending = Math.min(Math.max(time, 0), this.duration);
    if (this.element.readyState > 0) this.element.currentTime = this.pending;
    else this.emitter?.emit("player.seeked", this.pending);
    this.emitter?.emit("player.timeupdate", this.pending);
    this.onFrame(this.pending);
  }
  async play() {
    try {
      await this.load();
      for (const other of players) if (other !== this) other.pause();
      await this.element.play();
    } catch (error) {
      if (error.name !== "AbortError") this.onError(error);
    }
  }
  pause() {
    this.element.pause();
  }
  destroy() {
    this.element.pause();
    if (this.blob) URL.revokeObjectURL(this.blob);
    this.element.removeAttribute("src");
    players.delete(this);
  }

  // --- more ------------------------------------------------------------------------------------
  /** Play a passage, once or again and again; the playhead may start inside it. */
  playRegion(start, stop, loop, from = start) {
    this.region = { start, stop, loop };
    this.seek(from);
    return this.play();
  }

  load() {
    this.loaded ??= this.#load().catch((error) => {
      this.loaded = null;
      throw error;
    });
    return this.loaded;
  }

  /** From the server if it serves the file, else from Python as bytes, at last as FLAC. */
  async #load() {
    if (this.url && (await this.#open(this.url))) return;
    for (const as_is of [true, false]) {
      const answer = await this.ask("audio", { as_is });
      if (this.blob) URL.revokeObjectURL(this.blob);
      this.blob = URL.createObjectURL(new Blob(answer.buffers, { type: answer.mime }));
      if (await this.#open(this.blob)) return;
    }
    throw new Error("The browser can't play this sound.");
  }

  #open(url) {
    return new Promise((resolve) => {
      const done = (event) => {
        this.element.removeEventListener("loadedmetadata", done);
        this.element.removeEventListener("error", done);
        if (event.type === "loadedmetadata") this.element.currentTime = this.pending;
        resolve(event.type === "loadedmetadata");
      };
      this.element.addEventListener("loadedmetadata", done);
      this.element.addEventListener("error", done);
      this.element.src = url;
      this.element.load();
    });
  }

  #emit(type) {
    const time = this.getCurrentTime();
    if (type === "ended" && this.region?.loop) {
      this.playRegion(this.region.start, this.region.stop, true);
      return;
    }
    this.emitter?.emit(`player.${type}`, time);
    if (type === "playing") requestAnimationFrame(() => this.#tick());
    if (type === "pause" || type === "seeked") this.onFrame(time);
  }

  #tick() {
    if (this.element.paused) return;
    this.#frame();
    requestAnimationFrame(() => this.#tick());
  }

  #frame() {
    const time = this.getCurrentTime();
    const region = this.region;
    if (region && this.isPlaying() && time >= region.stop) {
      if (region.loop) this.seek(region.start);
      else {
        this.region = null;
        this.pause();
        this.seek(region.stop);
      }
      return;
    }
    this.pending = time;
    this.emitter?.emit("player.timeupdate", time);
    this.onFrame(time);
  }
}
