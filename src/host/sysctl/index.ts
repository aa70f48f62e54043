export type { DefaultsChange } from './change.js';
export { FileError, type FileRefusal } from './file-error.js';
export { keepAliveSysctls, numberOfValue } from './keys.js';
export type { NamespaceDefaults } from './namespaces.js';
export { type KernelDefaultsReport, kernelDefaultsReport, readKernelDefaults } from './report.js';
export { defaultFile, type SetKernelDefaultsOptions, setKernelDefaults } from './set-defaults.js';
export { type RootOption, type SysctlSource, type SysctlSources, sysctlSources } from './sources.js';
export { type UndoKernelDefaultsOptions, undoKernelDefaults } from './undo-defaults.js';
