import Peaks from "peaks.js";
export default { render() { return Peaks; } };
