import { declaredViews } from './views/declared.ts'
import { viewsProcedure } from './views/procedure.ts'

export default viewsProcedure(declaredViews)
